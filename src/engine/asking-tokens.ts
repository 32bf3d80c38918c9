/**
 * What the last tokens of a prompt, those that ask, give every token of it in one layer. Their queries are kept as they pass, and
 * meet the keys when these are all there: so the weights do not depend on the chunks that the prompt was read in.
 */
import { itemBytes, PAGE_SLOTS } from "../ops/attention.ts";
import { attentionColumns, columnBytes } from "../ops/attention-columns.ts";
import type { SharedHeap } from "../runtime/memory.ts";
import type { Team } from "../runtime/team.ts";
import type { KvCache } from "./kv-cache.ts";
import type { LayerShape } from "./layer-shapes.ts";
import type { PagePool } from "./page-pool.ts";

export interface AskingParts {
  readonly team: Team;
  readonly heap: SharedHeap;
  readonly pool: PagePool;
  readonly shape: LayerShape;
}

export class AskingTokens {
  private readonly parts: AskingParts;
  private readonly layer: number;
  /** Tokens [first, end) of the prompt ask. */
  private readonly first: number;
  private readonly end: number;
  /** f32 [end − first][numHeads][headDim], after RoPE */
  private readonly queries: number;

  constructor(parts: AskingParts, { layer, first, end }: { layer: number; first: number; end: number }) {
    this.parts = parts;
    this.layer = layer;
    this.first = first;
    this.end = end;
    this.queries = parts.pool.take(this.queryBytes);
  }

  /** Keeps the queries of those tokens of a chunk that ask; it begins with token `begin`. q: f32 [tokens][numHeads][headDim] after RoPE. */
  keep(q: number, begin: number, tokens: number): void {
    const { first, queries, rowBytes } = this;
    const from = Math.max(begin, first);
    const rows = begin + tokens - from;
    if (rows <= 0) return;
    const address = q + (from - begin) * rowBytes;
    this.parts.heap.u8.copyWithin(queries + (from - first) * rowBytes, address, address + rows * rowBytes);
  }

  /** For each query head f32 [tokens]: softmax weights, averaged over the tokens that ask. The cache holds the prompt and nothing else. */
  weights(cache: KvCache): Float32Array[] {
    const { team, heap, pool, shape } = this.parts;
    const { layer, first, end } = this;
    const { numHeads, numKvHeads } = shape;
    const pages = Array.from({ length: numKvHeads }, (_, kvHead) => cache.pagesOf(layer, kvHead));
    const numEntries = pages[0].length;
    const asking = end - first;
    const sizes = [numHeads * columnBytes(numEntries), numKvHeads * numEntries * 4, asking * 4, itemBytes(numHeads)];
    const work = takeTogether(pool, sizes);
    const [columns, tables, positions, itemSpace] = work.addresses;
    heap.addresses(tables, numKvHeads * numEntries).set(pages.flat());
    heap.ints(positions, asking).set(Array.from({ length: asking }, (_, row) => first + row));
    const sums = Array.from({ length: numHeads }, () => new Float32Array(end));
    // Each query head by itself: as if it had a KV head of its own, on pages that it shares.
    const apart = { ...shape, numKvHeads: numHeads };
    for (let firstToken = 0; firstToken < asking; firstToken += PAGE_SLOTS) {
      const numTokens = Math.min(PAGE_SLOTS, asking - firstToken);
      const items = sums.map((_, head) => ({
        entries: tables + Math.floor((head * numKvHeads) / numHeads) * numEntries * 4,
        ...{ numEntries, own: 0, firstToken, numTokens, kvHead: head },
        partial: columns + head * columnBytes(numEntries),
      }));
      attentionColumns(team, heap, apart, items, { itemSpace, q: this.queries, positions, mode: "sum" });
      sums.forEach((sum, head) => {
        const weights = heap.floats(items[head].partial, end);
        for (let token = 0; token < end; token++) sum[token] += weights[token];
      });
    }
    pool.give(work.addresses[0], work.bytes);
    return sums.map((sum) => sum.map((weight) => weight / asking));
  }

  dispose(): void {
    this.parts.pool.give(this.queries, this.queryBytes);
  }

  private get rowBytes(): number {
    const { numHeads, headDim } = this.parts.shape;
    return numHeads * headDim * 4;
  }

  private get queryBytes(): number {
    return (this.end - this.first) * this.rowBytes;
  }
}

/** One block for several uses; its size is a power of two, so that the pool has few sizes to keep apart. */
function takeTogether(pool: PagePool, sizes: readonly number[]): { addresses: number[]; bytes: number } {
  let end = 0;
  const offsets = sizes.map((size) => {
    const offset = end;
    end += Math.ceil(size / 64) * 64;
    return offset;
  });
  const bytes = 2 ** Math.ceil(Math.log2(end));
  const work = pool.take(bytes);
  return { addresses: offsets.map((offset) => work + offset), bytes };
}
