/**
 * Sparse decode: which pages a token that is written sees, in layers that see all of the text. Pages are indexed when they are first
 * chosen from; a choice holds for a few steps, to which pages that are sealed meanwhile are added.
 */
import type { DecodeMethod, DecodeNeeds } from "../context/decode/method.ts";
import { decodeMethods } from "../context/decode/registry.ts";
import type { CompleteChoice } from "../context/technique.ts";
import { type AttentionItem, PAGE_SLOTS } from "../ops/attention.ts";
import { indexPages, recordBytes, scorePages } from "../ops/page-index.ts";
import { PageLists } from "./page-lists.ts";
import { MOST_SEQUENCES } from "./sequence-space.ts";
import type { SparseParts } from "./sparse-prefill.ts";

/** Pages whose records stand in one block of memory. */
const BLOCK_PAGES = 64;

interface HeadIndex {
  readonly blocks: number[];
  /** Entries that have records, by page. */
  entries: Uint32Array;
}

interface Chosen {
  /** The multiple of `every` whose steps it is for. */
  readonly step: number;
  /** Position of the token that has chosen. */
  readonly at: number;
  readonly heads: readonly ChosenPages[];
}

interface ChosenPages {
  /** Pages that there were to choose from: heads that have dropped slots have fewer, each its own number. */
  readonly from: number;
  readonly pages: readonly number[];
}

export class SparseDecode {
  private readonly parts: SparseParts;
  private readonly lists: PageLists;
  private readonly method: DecodeMethod;
  private readonly options: never;
  private readonly needs: DecodeNeeds;
  private readonly index: HeadIndex[][];
  /** Of each layer, by the latest steps: guesses that turn out wrong are taken back. */
  private chosen: (readonly Chosen[] | undefined)[] = [];

  constructor(parts: SparseParts, plan: CompleteChoice, needs: DecodeNeeds) {
    const { technique, options } = decodeMethods.chosen(plan);
    this.parts = parts;
    this.method = technique;
    this.options = options;
    this.needs = needs;
    this.lists = new PageLists(parts);
    this.index = parts.space.shapes.map(({ numKvHeads }) =>
      Array.from({ length: numKvHeads }, () => ({ blocks: [], entries: new Uint32Array(0) })),
    );
  }

  /**
   * The items of a layer for tokens that are written, as the method has them: one for each KV head, of all tokens that share a choice, which is
   * that of the first of them. So tokens that are computed together see what each would see by itself. `position`: of the first.
   */
  items(
    layer: number,
    items: readonly AttentionItem[],
    { q, position }: { q: number; position: number },
  ): readonly (readonly AttentionItem[])[] {
    const { heap, space } = this.parts;
    const [{ numTokens: tokens }] = items;
    const isOnePage = items.length === space.shapes[layer].numKvHeads;
    const most = Math.max(...items.map(({ numEntries }) => numEntries));
    if (!isOnePage || this.method.seesAll(this.options, layer, most)) return [items];
    const groups = stepsOf(position, tokens, this.needs.every).map(({ step, firstToken, numTokens }) => {
      const own = items.map((item) => ({ ...item, firstToken, numTokens }));
      return { items: own, chosen: this.chosenFor(layer, own, { q, step, at: position + firstToken }) };
    });
    const lists = groups.flatMap(({ chosen }) =>
      items.map(({ entries, numEntries, kvHead }) => {
        const all = heap.addresses(entries, numEntries);
        const { from, pages } = chosen.heads[kvHead];
        const since = Array.from({ length: numEntries - from }, (_, i) => from + i);
        return Uint32Array.from([...pages, ...since], (page) => all[page]);
      }),
    );
    const placed = this.lists.place(
      groups.flatMap((group) => group.items),
      lists,
    );
    return groups.map((_, n) => placed.slice(n * items.length, (n + 1) * items.length));
  }

  private chosenFor(
    layer: number,
    items: readonly AttentionItem[],
    { q, step, at }: { q: number; step: number; at: number },
  ): Chosen {
    const known = (this.chosen[layer] ?? []).filter((chosen) => chosen.step > step - MOST_SEQUENCES);
    const before = known.find((chosen) => chosen.step === step);
    if (before) return before;
    const first = items.map((item) => ({ ...item, numTokens: 1 }));
    const chosen = { step, at, heads: this.choose(layer, first, q) };
    this.chosen[layer] = [...known, chosen];
    return chosen;
  }

  /** The text of `before` tokens was cut to `length`: choices of tokens that are gone do not count. */
  truncate(before: number, length: number): void {
    // A page that is gone may come again with other keys, at the same address and in the same place.
    if (Math.floor(length / PAGE_SLOTS) < Math.floor(before / PAGE_SLOTS)) this.forget();
    else this.chosen = this.chosen.map((known) => known?.filter(({ at }) => at < length));
  }

  /** Pages are others, or other slots of them count. */
  forget(): void {
    this.chosen = [];
    for (const head of this.index.flat()) head.entries = new Uint32Array(0);
  }

  /** Of the index, and of the lists of what is seen. */
  get bytes(): number {
    return this.index.reduce(
      (sum, heads, layer) => sum + heads.reduce((all, { blocks }) => all + blocks.length * this.blockBytes(layer), 0),
      this.lists.bytes,
    );
  }

  /** Bytes that the index takes beyond those that it has, once a token is written behind so many sealed pages of each head. */
  bytesFor(pagesOf: (layer: number, kvHead: number) => number): number {
    return this.index.reduce((sum, heads, layer) => {
      if (this.parts.space.shapes[layer].window > 0) return sum;
      const pages = heads.map((_, kvHead) => pagesOf(layer, kvHead));
      if (this.method.seesAll(this.options, layer, Math.max(...pages))) return sum;
      const missing = heads.map(({ blocks }, h) => Math.max(0, Math.ceil(pages[h] / BLOCK_PAGES) - blocks.length));
      return sum + missing.reduce((all, count) => all + count, 0) * this.blockBytes(layer);
    }, 0);
  }

  dispose(): void {
    this.lists.dispose();
    this.index.forEach((heads, layer) => {
      for (const { blocks } of heads)
        for (const block of blocks.splice(0)) this.parts.pool.give(block, this.blockBytes(layer));
    });
  }

  private choose(layer: number, items: readonly AttentionItem[], q: number): ChosenPages[] {
    const { team, heap, pool, space } = this.parts;
    const { index } = this.needs;
    const shape = space.shapes[layer];
    this.bringUpToDate(layer, items);
    const rows = shape.numHeads / shape.numKvHeads;
    const most = Math.max(...items.map(({ numEntries }) => numEntries));
    const bytes = 2 ** Math.ceil(Math.log2(items.length * rows * most * 4));
    const results = pool.take(bytes);
    const rowsOf = (kvHead: number) => results + kvHead * rows * most * 4;
    const runs = items.flatMap((item) =>
      this.index[layer][item.kvHead].blocks.map((block, n) => {
        const first = n * BLOCK_PAGES;
        const numEntries = Math.max(0, Math.min(BLOCK_PAGES, item.numEntries - first));
        return { ...item, entries: block, numEntries, partial: rowsOf(item.kvHead) + first * 4 };
      }),
    );
    scorePages(team, heap, shape, index, runs, { itemSpace: space.itemSpace, q, pages: most });
    const heads = items.map(({ kvHead, numEntries: from }) => {
      const all = heap.floats(rowsOf(kvHead), rows * most);
      const scores = new Float32Array(rows * from);
      for (let row = 0; row < rows; row++) scores.set(all.subarray(row * most, row * most + from), row * from);
      return { from, pages: this.method.choose(this.options, { layer, pages: from, scores }) };
    });
    pool.give(results, bytes);
    return heads;
  }

  /** Makes the records of pages that have none, or another page's. */
  private bringUpToDate(layer: number, items: readonly AttentionItem[]): void {
    const { team, heap, pool, space } = this.parts;
    const { headDim } = space.shapes[layer];
    const record = recordBytes(this.needs.index, headDim);
    const pairs: number[] = [];
    for (const { kvHead, entries, numEntries } of items) {
      const head = this.index[layer][kvHead];
      const now = heap.addresses(entries, numEntries).slice();
      while (head.blocks.length * BLOCK_PAGES < numEntries) head.blocks.push(pool.take(this.blockBytes(layer)));
      now.forEach((entry, page) => {
        const block = head.blocks[Math.floor(page / BLOCK_PAGES)];
        if (entry !== head.entries[page]) pairs.push(entry, block + (page % BLOCK_PAGES) * record);
      });
      head.entries = now;
    }
    if (pairs.length === 0) return;
    const bytes = 2 ** Math.ceil(Math.log2(pairs.length * 4));
    const table = pool.take(bytes);
    heap.addresses(table, pairs.length).set(pairs);
    indexPages(team, this.needs.index, { headDim, pairs: table, count: pairs.length / 2 });
    pool.give(table, bytes);
  }

  private blockBytes(layer: number): number {
    return BLOCK_PAGES * recordBytes(this.needs.index, this.parts.space.shapes[layer].headDim);
  }
}

/** Runs of tokens that share a choice. */
function stepsOf(position: number, tokens: number, every: number) {
  const steps: { step: number; firstToken: number; numTokens: number }[] = [];
  for (let firstToken = 0; firstToken < tokens; ) {
    const at = position + firstToken;
    const step = at - (at % every);
    const numTokens = Math.min(tokens - firstToken, step + every - at);
    steps.push({ step, firstToken, numTokens });
    firstToken += numTokens;
  }
  return steps;
}
