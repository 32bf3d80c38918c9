/**
 * Blocks of a text as bytes: the pages of 64 tokens of every layer and KV head, one after the other. What one sequence gives,
 * another of the same model, positions and page formats takes, and goes on as if it had read the text itself.
 */
import { PAGE_SLOTS } from "../ops/attention.ts";
import type { SharedHeap } from "../runtime/memory.ts";
import { pageOf } from "./head-pages.ts";
import type { KvCache } from "./kv-cache.ts";

/** The n-th block, unless some page of it was not sealed yet, or has left a window. */
export function exportBlock(heap: SharedHeap, cache: KvCache, n: number): Uint8Array | undefined {
  const sizes = cache.blockPages(n);
  const block = new Uint8Array(sizes.reduce((sum, { bytes }) => sum + bytes, 0));
  let at = 0;
  for (const { layer, kvHead, bytes } of sizes) {
    const entry = cache.entryAt(layer, kvHead, n);
    if (entry === undefined) return undefined;
    block.set(heap.u8.subarray(pageOf(entry), pageOf(entry) + bytes), at);
    at += bytes;
  }
  return block;
}

/** Appends a block to a cache that ends with a full page. Its size must be that of such a block. */
export function importBlock(heap: SharedHeap, cache: KvCache, block: Uint8Array): void {
  const expected = cache.blockPages(cache.length / PAGE_SLOTS).reduce((sum, { bytes }) => sum + bytes, 0);
  if (block.length !== expected) throw new Error(`block: expected ${expected} bytes of pages, got ${block.length}`);
  let at = 0;
  cache.appendBlock((address, bytes) => {
    heap.u8.set(block.subarray(at, at + bytes), address);
    at += bytes;
  });
}
