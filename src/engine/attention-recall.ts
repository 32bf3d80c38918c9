/**
 * What a sparse prefill captures of full attention: for each query head of the 64 tokens of every EVERY-th page, the part of the softmax
 * over all keys before them that falls on the pages they see, with queries and keys as they are under the plan.
 *
 *   share = 2^(s_seen − s_all)      s = m + log2 l,  of scores in log2: their maximum m, and l = Σ 2^(score − m)
 *
 * m and l are what the attention kernel leaves of an item that is not finished (kernels/attention.ts).
 */
import { type AttentionItem, attention, PAGE_SLOTS, partialBytes } from "../ops/attention.ts";
import type { LayerShape } from "./layer-shapes.ts";
import { headsApart, type SparseParts } from "./sparse-prefill.ts";
import type { RecalledHead } from "./types.ts";

/** Pages to one whose tokens are asked: all pages are read for them once more. */
const EVERY = 8;

/** A query head's item of a whole block with all pages before its own, and with those that it sees. */
export interface SparseBlock {
  readonly all: AttentionItem;
  readonly seen: AttentionItem;
}

interface HeadShares {
  /** Of each page that was asked: [64 tokens]. */
  readonly pages: Float32Array<ArrayBuffer>[];
  seconds: number;
}

export class AttentionRecall {
  private readonly parts: SparseParts;
  /** [layer][query head]; none of a layer with a sliding window. */
  private readonly shares: HeadShares[][];

  constructor(parts: SparseParts, from?: AttentionRecall) {
    this.parts = parts;
    this.shares = parts.space.shapes.map(({ numHeads, window }, layer) =>
      Array.from({ length: window > 0 ? 0 : numHeads }, (_, head) => {
        const { pages = [], seconds = 0 } = from?.shares[layer][head] ?? {};
        return { pages: [...pages], seconds };
      }),
    );
  }

  /** q and positions as in attention(). */
  add(layer: number, blocks: readonly SparseBlock[], inputs: { readonly q: number; readonly positions: number }): void {
    const started = performance.now();
    const shape = headsApart(this.parts.space.shapes[layer]);
    const asked = blocks.filter(({ all }) => all.numEntries % EVERY === 0);
    const isSparse = ({ all, seen }: SparseBlock) => seen.numEntries < all.numEntries;
    const captured = this.captured(shape, asked.filter(isSparse), inputs);
    for (const block of asked)
      this.shares[layer][block.all.kvHead].pages.push(captured.get(block) ?? new Float32Array(PAGE_SLOTS).fill(1));
    const seconds = (performance.now() - started) / 1000;
    for (const head of this.shares[layer]) head.seconds += seconds / shape.numHeads;
  }

  private captured(
    shape: LayerShape,
    blocks: readonly SparseBlock[],
    inputs: { readonly q: number; readonly positions: number },
  ): Map<SparseBlock, Float32Array<ArrayBuffer>> {
    const { team, heap, pool, space } = this.parts;
    if (blocks.length === 0) return new Map();
    const stride = partialBytes(shape, PAGE_SLOTS);
    // Sizes of the pool are few: as in sparse-prefill.ts.
    const bytes = 2 ** Math.ceil(Math.log2(2 * blocks.length * stride));
    const partials = pool.take(bytes);
    const placed = blocks.map(({ all, seen }, i) => {
      return {
        all: { ...all, partial: partials + 2 * i * stride },
        seen: { ...seen, partial: partials + (2 * i + 1) * stride },
      };
    });
    // All items are left unfinished: nothing goes to `out`.
    const items = placed.flatMap(({ all, seen }) => [all, seen]);
    attention(team, heap, shape, items, { ...inputs, itemSpace: space.itemSpace, out: 0 });
    const found = placed.map(({ all, seen }, i) => {
      const [sumsOfAll, sumsOfSeen] = [this.logSums(shape, all), this.logSums(shape, seen)];
      // The two sums round each in its own way.
      return [
        blocks[i],
        Float32Array.from(sumsOfAll, (sum, row) => Math.min(1, 2 ** (sumsOfSeen[row] - sum))),
      ] as const;
    });
    pool.give(partials, bytes);
    return new Map(found);
  }

  /** log2 Σ 2^score of every token of an item that was left unfinished. */
  private logSums({ headDim }: LayerShape, { partial }: AttentionItem): Float64Array {
    const { heap } = this.parts;
    const rows = PAGE_SLOTS;
    const maxima = heap.floats(partial + rows * headDim * 4, rows);
    const weights = heap.floats(partial + rows * (headDim + 1) * 4, rows);
    return Float64Array.from(maxima, (maximum, row) => maximum + Math.log2(weights[row]));
  }

  heads(): RecalledHead[] {
    return this.shares.flatMap((heads, layer) =>
      heads.map(({ pages, seconds }, head) => ({ layer, head, shares: joined(pages), seconds })),
    );
  }
}

function joined(pages: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(pages.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const shares of pages) {
    all.set(shares, at);
    at += shares.length;
  }
  return all;
}
