/**
 * Blocks of a text as bytes: the pages of 64 tokens of every layer and KV head, one after the other. What one sequence gives,
 * another of the same model, positions and page formats takes, and goes on as if it had read the text itself. Where a selection
 * chooses what goes on, a block is of the layers below it, and has the residual streams that wait there behind the pages.
 */
import { PAGE_SLOTS } from "../ops/attention.ts";
import type { SharedHeap } from "../runtime/memory.ts";
import type { BelowSelection } from "./below-selection.ts";
import { pageOf } from "./head-pages.ts";
import type { KvCache } from "./kv-cache.ts";

/** The n-th block, unless some page of it was not sealed yet, or has left a window. */
export function exportBlock(
  heap: SharedHeap,
  cache: KvCache,
  n: number,
  below?: BelowSelection,
): Uint8Array | undefined {
  const parts: { address: number; bytes: number }[] = [];
  for (const { layer, kvHead, bytes } of cache.blockPages(n, below?.layers)) {
    const entry = cache.entryAt(layer, kvHead, n);
    if (entry === undefined) return undefined;
    parts.push({ address: pageOf(entry), bytes });
  }
  if (below) {
    const address = below.waiting.block(n);
    if (address === undefined) return undefined;
    parts.push({ address, bytes: below.waiting.blockBytes });
  }
  const block = new Uint8Array(parts.reduce((sum, { bytes }) => sum + bytes, 0));
  let at = 0;
  for (const { address, bytes } of parts) {
    block.set(heap.u8.subarray(address, address + bytes), at);
    at += bytes;
  }
  return block;
}

/** Appends a block to a cache that ends with a full page. Its size must be that of such a block. */
export function importBlock(heap: SharedHeap, cache: KvCache, block: Uint8Array, below?: BelowSelection): void {
  const pages = cache.blockPages(cache.length / PAGE_SLOTS, below?.layers);
  const expected = pages.reduce((sum, { bytes }) => sum + bytes, below?.waiting.blockBytes ?? 0);
  if (block.length !== expected) throw new Error(`block: expected ${expected} bytes of pages, got ${block.length}`);
  let at = 0;
  const fill = (address: number, bytes: number) => {
    heap.u8.set(block.subarray(at, at + bytes), address);
    at += bytes;
  };
  cache.appendBlock(fill, below?.layers);
  if (below) fill(below.waiting.appendBlock(), below.waiting.blockBytes);
}
