/**
 * Sparse decode: which pages a token that is written sees, in layers that see all of the text. Pages are indexed when they are first
 * chosen from; a choice holds for a few steps, to which pages that are sealed meanwhile are added.
 */
import type { DecodeMethod, DecodeNeeds } from "../context/decode/method.ts";
import { decodeMethods } from "../context/decode/registry.ts";
import type { CompleteChoice } from "../context/technique.ts";
import type { AttentionItem } from "../ops/attention.ts";
import { indexPages, recordBytes, scorePages } from "../ops/page-index.ts";
import { PageLists } from "./page-lists.ts";
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
  readonly pages: number;
  /** By KV head. */
  readonly lists: readonly (readonly number[])[];
}

export class SparseDecode {
  private readonly parts: SparseParts;
  private readonly lists: PageLists;
  private readonly method: DecodeMethod;
  private readonly options: never;
  private readonly needs: DecodeNeeds;
  private readonly index: HeadIndex[][];
  private chosen: (Chosen | undefined)[] = [];

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

  /** The items of a layer's step, one for each KV head, as the method has them. `position`: of the first of its tokens. */
  items(
    layer: number,
    items: readonly AttentionItem[],
    { q, position }: { q: number; position: number },
  ): readonly AttentionItem[] {
    const { heap, space } = this.parts;
    const [{ numEntries: pages }] = items;
    const isOnePage = items.length === space.shapes[layer].numKvHeads;
    if (!isOnePage || this.method.seesAll(this.options, layer, pages)) return items;
    const step = position - (position % this.needs.every);
    const before = this.chosen[layer];
    const chosen = before?.step === step && before.pages <= pages ? before : this.choose(layer, items, q, step);
    this.chosen[layer] = chosen;
    const lists = items.map(({ entries, kvHead }) => {
      const all = heap.addresses(entries, pages);
      const since = Array.from({ length: pages - chosen.pages }, (_, i) => chosen.pages + i);
      return Uint32Array.from([...chosen.lists[kvHead], ...since], (page) => all[page]);
    });
    return this.lists.place(items, lists);
  }

  /** The text was cut, or slots were dropped: what was chosen may be gone. */
  forget(): void {
    this.chosen = [];
  }

  get bytes(): number {
    return this.index.reduce(
      (sum, heads, layer) => sum + heads.reduce((all, { blocks }) => all + blocks.length * this.blockBytes(layer), 0),
      0,
    );
  }

  dispose(): void {
    this.lists.dispose();
    this.index.forEach((heads, layer) => {
      for (const { blocks } of heads)
        for (const block of blocks.splice(0)) this.parts.pool.give(block, this.blockBytes(layer));
    });
  }

  private choose(layer: number, items: readonly AttentionItem[], q: number, step: number): Chosen {
    const { team, heap, pool, space } = this.parts;
    const { index } = this.needs;
    const shape = space.shapes[layer];
    const [{ numEntries: pages, numTokens }] = items;
    this.bringUpToDate(layer, items);
    const rows = numTokens * (shape.numHeads / shape.numKvHeads);
    const bytes = 2 ** Math.ceil(Math.log2(items.length * rows * pages * 4));
    const results = pool.take(bytes);
    const rowsOf = (kvHead: number) => results + kvHead * rows * pages * 4;
    const runs = items.flatMap((item) =>
      this.index[layer][item.kvHead].blocks.map((block, n) => {
        const first = n * BLOCK_PAGES;
        const numEntries = Math.max(0, Math.min(BLOCK_PAGES, pages - first));
        return { ...item, entries: block, numEntries, partial: rowsOf(item.kvHead) + first * 4 };
      }),
    );
    scorePages(team, heap, shape, index, runs, { itemSpace: space.itemSpace, q, pages });
    const lists = items.map(({ kvHead }) => {
      const scores = heap.floats(rowsOf(kvHead), rows * pages);
      return this.method.choose(this.options, { layer, pages, scores });
    });
    pool.give(results, bytes);
    return { step, pages, lists };
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
