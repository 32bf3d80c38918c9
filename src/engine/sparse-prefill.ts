/**
 * Sparse prefill: what a plan's method leaves each block of 64 query tokens of its past. Concerns whole blocks, in layers that see all of
 * the text: fewer tokens than a page, at the ends of what is read, see everything. Nothing depends on the chunks that a prompt is read in.
 */
import type {
  AttentionPattern,
  BlockPattern,
  PrefillMethod,
  PrefillNeeds,
  QueryBlock,
} from "../context/prefill/method.ts";
import { type PrefillPlan, prefillOf } from "../context/prefill/plan.ts";
import { type AttentionItem, PAGE_SLOTS } from "../ops/attention.ts";
import { attentionColumns, columnBytes, diagonalBytes } from "../ops/attention-columns.ts";
import { blockMasses, blockMassesBytes } from "../ops/block-masses.ts";
import type { SharedHeap } from "../runtime/memory.ts";
import type { Team } from "../runtime/team.ts";
import { AttentionRecall } from "./attention-recall.ts";
import type { LayerShape } from "./layer-shapes.ts";
import { PageLists } from "./page-lists.ts";
import type { PagePool } from "./page-pool.ts";
import type { SequenceSpace } from "./sequence-space.ts";
import type { SeenPages } from "./types.ts";

export interface SparseParts {
  readonly team: Team;
  readonly heap: SharedHeap;
  readonly pool: PagePool;
  readonly space: SequenceSpace;
  /** Whether it is found out what reading captures of full attention. */
  readonly recall?: boolean;
}

/** A chunk's queries in one layer. */
export interface SparseChunk {
  readonly q: number;
  readonly positions: number;
  /** Tokens of the prompt that come after the chunk. */
  readonly tokensAfter: number;
  readonly tokens: number;
}

/** A layer as it is for items of single query heads. */
export function headsApart(shape: LayerShape): LayerShape {
  return { ...shape, numKvHeads: shape.numHeads };
}

export class SparsePrefill {
  readonly needs: PrefillNeeds;
  readonly recall?: AttentionRecall;
  private readonly parts: SparseParts;
  private readonly lists: PageLists;
  private readonly method: PrefillMethod;
  private readonly options: never;
  /** Pages that blocks saw, and that they would have seen: [layer][query head]. */
  private readonly shapes: readonly LayerShape[];
  private readonly seen: { seen: number; all: number }[][];
  /** For spans: [layer][query head]. */
  private readonly patterns: Map<number, BlockPattern>[][];

  constructor(parts: SparseParts, plan: PrefillPlan, from?: SparsePrefill) {
    const { technique, options } = prefillOf(plan);
    this.parts = parts;
    this.method = technique;
    this.options = options;
    this.needs = technique.needs?.(options) ?? {};
    this.lists = new PageLists(parts);
    if (parts.recall) this.recall = new AttentionRecall(parts, from?.recall);
    this.shapes = parts.space.shapes.map(headsApart);
    this.seen = this.shapes.map(({ numHeads }, layer) =>
      Array.from({ length: numHeads }, (_, head) => ({ ...(from?.seen[layer][head] ?? { seen: 0, all: 0 }) })),
    );
    this.patterns = this.shapes.map(({ numHeads }, layer) =>
      Array.from({ length: numHeads }, (_, head) => new Map(from?.patterns[layer][head])),
    );
  }

  /**
   * A layer's chunk as the method has it: an item for each query head (headsApart()) of each of KvCache.items(); none where the chunk
   * has no whole block. Chunks of a layer come in order.
   */
  items(layer: number, items: readonly AttentionItem[], chunk: SparseChunk): AttentionItem[] | undefined {
    const { denseBelow } = this;
    const isWhole = ({ numTokens }: AttentionItem) => numTokens === PAGE_SLOTS;
    if (!items.some(isWhole)) return undefined;
    const apart = this.apart(layer, items);
    const isBlock = (item: AttentionItem) => isWhole(item) && item.numEntries * PAGE_SLOTS >= denseBelow;
    // The block before the first sparse one chooses a pattern for it.
    const isJudged = (item: AttentionItem) => isWhole(item) && (item.numEntries + 1) * PAGE_SLOTS >= denseBelow;
    const masses = this.masses(layer, apart.filter(isJudged), chunk);
    this.findPatterns(layer, apart.filter(isJudged), chunk, masses);
    const lists = apart.map((item) => {
      const all = this.parts.heap.addresses(item.entries, item.numEntries);
      const pages = isBlock(item)
        ? this.method.pages(this.options, this.blockOf(layer, item, chunk, masses))
        : undefined;
      const count = this.seen[layer][item.kvHead];
      count.all += item.numEntries + 1;
      count.seen += (pages?.length ?? item.numEntries) + 1;
      return pages ? Uint32Array.from(pages, (page) => all[page]) : all;
    });
    const placed = this.lists.place(apart, lists);
    const blocks = apart.flatMap((all, i) => (isBlock(all) ? [{ all, seen: placed[i] }] : []));
    this.recall?.add(layer, blocks, chunk);
    return placed;
  }

  /** Query heads by themselves, each with the pages of its KV head. */
  private apart(layer: number, items: readonly AttentionItem[]): AttentionItem[] {
    const { numHeads, numKvHeads } = this.parts.space.shapes[layer];
    const group = numHeads / numKvHeads;
    return items.flatMap((item) =>
      Array.from({ length: group }, (_, h) => ({ ...item, kvHead: item.kvHead * group + h })),
    );
  }

  private blockOf(
    layer: number,
    item: AttentionItem,
    chunk: SparseChunk,
    masses: ReadonlyMap<AttentionItem, Float32Array>,
  ): QueryBlock {
    const { numEntries: page, firstToken, numTokens, kvHead: head } = item;
    const tokensAfter = chunk.tokensAfter + chunk.tokens - firstToken - numTokens;
    const pattern = this.patterns[layer][head].get(this.spanOf(page));
    return { layer, numLayers: this.shapes.length, page, tokensAfter, masses: masses.get(item) ?? none, pattern };
  }

  /** The text was cut to `length` tokens, in layers from `above` on to none: patterns of tokens that are gone do not count. */
  truncate(length: number, above = this.shapes.length): void {
    const span = this.needs.pattern?.span ?? PAGE_SLOTS;
    this.patterns.forEach((heads, layer) => {
      const left = layer < above ? length : 0;
      for (const patterns of heads) for (const n of patterns.keys()) if (n * span > left) patterns.delete(n);
    });
  }

  pages(): SeenPages[] {
    return this.seen.flatMap((heads, layer) => heads.map((counts, head) => ({ layer, head, ...counts })));
  }

  dispose(): void {
    this.lists.dispose();
  }

  private get denseBelow(): number {
    return this.needs.denseBelow ?? 0;
  }

  private spanOf(page: number): number {
    return Math.floor((page * PAGE_SLOTS) / (this.needs.pattern?.span ?? PAGE_SLOTS));
  }

  /** Of the blocks that are the last before a span, by page. */
  private findPatterns(
    layer: number,
    items: readonly AttentionItem[],
    { q, positions }: SparseChunk,
    masses: ReadonlyMap<AttentionItem, Float32Array>,
  ): void {
    const { team, heap, pool, space } = this.parts;
    if (!this.needs.pattern) return;
    for (const item of items) {
      const { numEntries: page, kvHead } = item;
      const span = this.spanOf(page + 1);
      if (span === this.spanOf(page)) continue;
      const numEntries = page + 1;
      const bytes = 2 ** Math.ceil(Math.log2(columnBytes(numEntries) + diagonalBytes(numEntries)));
      const partial = pool.take(bytes);
      const diagonals = partial + columnBytes(numEntries);
      heap.u8.fill(0, diagonals, diagonals + diagonalBytes(numEntries));
      const { itemSpace } = space;
      const asked = { ...item, own: 0, numEntries, partial, diagonals };
      attentionColumns(team, heap, this.shapes[layer], [asked], { itemSpace, q, positions, mode: "sum" });
      const length = numEntries * PAGE_SLOTS;
      const attention: AttentionPattern = {
        page,
        vertical: heap.floats(partial, length).slice(),
        // Distance d stands at 64 · page + 63 − d.
        slash: heap.floats(diagonals, length).slice().reverse(),
        masses: masses.get(item) ?? none,
      };
      pool.give(partial, bytes);
      const pattern = this.method.pattern?.(this.options, attention);
      if (pattern) this.patterns[layer][kvHead].set(span, pattern);
    }
  }

  private masses(
    layer: number,
    items: readonly AttentionItem[],
    { q }: SparseChunk,
  ): Map<AttentionItem, Float32Array<ArrayBuffer>> {
    const found = new Map<AttentionItem, Float32Array<ArrayBuffer>>();
    for (const { stride } of this.needs.masses ?? [])
      this.estimate(layer, items, { q, stride }).forEach((shares, i) => {
        const others = found.get(items[i]);
        found.set(items[i], others ? shares.map((share, page) => Math.max(share, others[page])) : shares);
      });
    return found;
  }

  private estimate(
    layer: number,
    items: readonly AttentionItem[],
    { q, stride }: { readonly q: number; readonly stride?: number },
  ): Float32Array<ArrayBuffer>[] {
    const { team, heap, pool, space } = this.parts;
    if (items.length === 0) return [];
    const shape = this.shapes[layer];
    const pages = 1 + Math.max(...items.map(({ numEntries }) => numEntries));
    const workBytes = blockMassesBytes(shape, { pages, stride });
    // Sizes of the pool are few: what is taken again and again must not have a size of its own each time.
    const bytes = 2 ** Math.ceil(Math.log2(items.length * (workBytes + pages * 4)));
    const work = pool.take(bytes);
    const results = work + items.length * workBytes;
    const asked = items.map((item, i) => {
      return { ...item, own: 0, numEntries: item.numEntries + 1, partial: results + i * pages * 4 };
    });
    blockMasses(team, heap, shape, asked, { itemSpace: space.itemSpace, q, stride, work, workBytes });
    const found = items.map((item, i) => heap.floats(asked[i].partial, item.numEntries + 1).slice());
    pool.give(work, bytes);
    return found;
  }
}

const none = new Float32Array(0);
