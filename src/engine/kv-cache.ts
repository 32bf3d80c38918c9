/**
 * The KV cache of one sequence: for every (layer, KV head) a table of sealed pages and one open f32 page.
 * Only this file and compaction.ts move the bytes of keys and values. A page holds positions [64n, 64n + 63] of the text;
 * where slots were dropped, a head has fewer pages, and older ones may hold any positions.
 */
import { pageFormatsOf } from "../context/cache/format/registry.ts";
import type { CachePlan } from "../context/cache/plan.ts";
import {
  type AttentionItem,
  appendKv,
  FLOAT_PAGE,
  floatPageBytes,
  LOW_BIT_PAGE,
  PAGE_SLOTS,
} from "../ops/attention.ts";
import { entryFlags, type PageFormat, pageBytes, sealPagesAs } from "../ops/page-low.ts";
import type { SharedHeap } from "../runtime/memory.ts";
import type { Team } from "../runtime/team.ts";
import { type HeadPages, heldPages, pageOf } from "./head-pages.ts";
import type { LayerShape } from "./layer-shapes.ts";
import type { PagePool } from "./page-pool.ts";
import type { Staging } from "./sequence-space.ts";

export interface KvCacheParts {
  readonly team: Team;
  readonly heap: SharedHeap;
  readonly pool: PagePool;
  readonly shapes: readonly LayerShape[];
  readonly format: Pick<CachePlan, "format" | "layers">;
  readonly staging: Staging;
  /** Most tokens. */
  readonly capacity: number;
}

export class KvCache {
  length = 0;
  private readonly heads: HeadPages[][];
  private readonly tableBytes: number;
  private readonly team: Team;
  private readonly heap: SharedHeap;
  private readonly pool: PagePool;
  private readonly shapes: readonly LayerShape[];
  /** Of each layer: how its first page is kept when it is full, and how the others are. */
  private readonly formats: readonly { readonly first: PageFormat; readonly rest: PageFormat }[];
  private readonly staging: Staging;
  /** f32 caches only: pages of the current chunk, [KV heads][pages]; they become sealed pages as they are. */
  private readonly fresh: number[][];
  /** Length of the text when slots were last dropped: what came before cannot be gone back to. */
  private droppedAt = 0;
  private readonly parts: KvCacheParts;

  constructor(args: KvCacheParts) {
    this.parts = args;
    this.team = args.team;
    this.heap = args.heap;
    this.pool = args.pool;
    this.shapes = args.shapes;
    const { format, layers } = args.format;
    this.formats = this.shapes.map(({ window }, index) => pageFormatsOf(format, { index, window }, layers));
    this.staging = args.staging;
    this.fresh = Array.from({ length: Math.max(...this.shapes.map(({ numKvHeads }) => numKvHeads)) }, () => []);
    this.tableBytes = Math.ceil(args.capacity / PAGE_SLOTS + 1) * 4;
    this.heads = this.shapes.map(({ numKvHeads, headDim, pinnedPages = 0 }) =>
      Array.from({ length: numKvHeads }, () => ({
        table: this.pool.take(this.tableBytes),
        first: pinnedPages,
        sealed: 0,
        open: this.pool.take(floatPageBytes(headDim)),
        missing: 0,
      })),
    );
  }

  /** Bytes of pages that `tokens` more tokens will take, in all layers or in those that count. */
  bytesFor(tokens: number, counts = (_layer: number) => true): number {
    return this.shapes.reduce((sum, { numKvHeads, window, pinnedPages = 0 }, layer) => {
      if (!counts(layer)) return sum;
      const held = (length: number) => {
        const most = window > 0 ? window + (1 + pinnedPages) * PAGE_SLOTS : length;
        return Math.ceil(Math.min(length, most) / PAGE_SLOTS);
      };
      const pages = Math.max(0, held(this.length + tokens) - held(this.length));
      return sum + numKvHeads * pages * this.bytesOf(layer, "rest");
    }, 0);
  }

  private bytesOf(layer: number, which: "first" | "rest"): number {
    return pageBytes(this.formats[layer][which], this.shapes[layer].headDim);
  }

  private isFloat(layer: number): boolean {
    return this.formats[layer].rest === "f32";
  }

  /** Bytes of the page that an entry of a layer's table stands for. */
  entryBytes(layer: number, entry: number): number {
    const { headDim } = this.shapes[layer];
    if (entry & FLOAT_PAGE) return floatPageBytes(headDim);
    return entry & LOW_BIT_PAGE ? this.bytesOf(layer, "rest") : pageBytes("q8", headDim);
  }

  /** Makes sure of `times` the pages that `tokens` more tokens fill, so that no chunk fails half-way, with some layers longer than others. */
  reserve(tokens: number, times = 1): void {
    const full = Math.floor(((this.length % PAGE_SLOTS) + tokens) / PAGE_SLOTS);
    const needed = new Map<number, number>();
    const need = (bytes: number, count: number) => needed.set(bytes, (needed.get(bytes) ?? 0) + count * times);
    this.shapes.forEach(({ numKvHeads }, layer) => {
      if (this.length < PAGE_SLOTS) need(this.bytesOf(layer, "first"), numKvHeads);
      need(this.bytesOf(layer, "rest"), full * numKvHeads);
    });
    for (const [bytes, count] of needed) this.pool.reserve(bytes, count);
  }

  /** Appends the chunk's keys and values of one layer and seals the pages that became full. */
  append(layer: number, chunk: { tokens: number; positions: number; k: number; v: number }): void {
    const shape = this.shapes[layer];
    const firstSlot = this.length % PAGE_SLOTS;
    const numPages = Math.ceil((firstSlot + chunk.tokens) / PAGE_SLOTS);
    const full = Math.floor((firstSlot + chunk.tokens) / PAGE_SLOTS);
    const run = this.heap.addresses(this.staging.runTable, shape.numKvHeads * numPages);
    this.heads[layer].forEach((_, h) => {
      if (this.isFloat(layer))
        for (let n = 1; n < numPages; n++) this.fresh[h][n] = this.pool.take(floatPageBytes(shape.headDim));
      for (let n = 0; n < numPages; n++) run[h * numPages + n] = this.runPage(layer, h, n);
    });
    const { tokens, positions, k, v } = chunk;
    const pages = this.staging.runTable;
    appendKv(this.team, shape, { tokens, firstSlot, k, v, positions, pages, pagesPerHead: numPages });
    this.seal(layer, full);
  }

  /** The f32 page that holds the n-th page's worth of the chunk. */
  private runPage(layer: number, h: number, n: number): number {
    if (n === 0) return this.heads[layer][h].open;
    return this.isFloat(layer) ? this.fresh[h][n] : this.staging.pages[h][n];
  }

  /** Puts the first `full` pages of the run into the tables. */
  private seal(layer: number, full: number): void {
    if (full === 0) return;
    const isFirst = this.length < PAGE_SLOTS;
    const heads = this.heads[layer];
    const run = heads.map((_, h) => Array.from({ length: full }, (_, n) => this.runPage(layer, h, n)));
    const firstPages = isFirst ? run.map(([page]) => page) : [];
    const first = this.sealedEntries(layer, firstPages, "first");
    const rest = this.sealedEntries(
      layer,
      run.flatMap((pages) => pages.slice(isFirst ? 1 : 0)),
    );
    heads.forEach((head, h) => {
      const table = this.heap.addresses(head.table, this.tableBytes / 4);
      const count = isFirst ? full - 1 : full;
      table.set([...first.slice(h, h + 1), ...rest.slice(h * count, (h + 1) * count)], head.sealed);
    });
  }

  /** Entries of full f32 pages as the layer keeps them: the pages themselves, or quantised ones in new places. */
  sealedEntries(layer: number, pages: readonly number[], which: "first" | "rest" = "rest"): number[] {
    const format = this.formats[layer][which];
    const flags = entryFlags(format);
    if (format === "f32") return pages.map((page) => page + flags);
    const { headDim } = this.shapes[layer];
    const sealed = pages.map(() => this.pool.take(pageBytes(format, headDim)));
    const room = this.staging.pages.length * this.staging.pages[0].length;
    for (let first = 0; first < pages.length; first += room) {
      const pairs = pages.slice(first, first + room).flatMap((from, i) => [from, sealed[first + i]]);
      this.heap.addresses(this.staging.pairTable, pairs.length).set(pairs);
      sealPagesAs(this.team, headDim, format, this.staging.pairTable, pairs.length / 2);
    }
    return sealed.map((page) => page + flags);
  }

  /** One item per KV head and page that the chunk's tokens sit in. Call between append() and advance(). */
  items(layer: number, tokens: number): AttentionItem[] {
    const { window } = this.shapes[layer];
    const items: AttentionItem[] = [];
    const firstSlot = this.length % PAGE_SLOTS;
    this.heads[layer].forEach((head, kvHead) => {
      for (let n = 0, firstToken = 0; firstToken < tokens; n++) {
        const numTokens = Math.min(tokens - firstToken, PAGE_SLOTS - (n === 0 ? firstSlot : 0));
        const earliest = this.length + firstToken;
        const skip = window > 0 ? Math.floor(Math.max(0, earliest - window + 1) / PAGE_SLOTS) : 0;
        const from = Math.max(head.first, skip);
        items.push({
          entries: head.table + from * 4,
          numEntries: head.sealed + n - from,
          own: this.runPage(layer, kvHead, n),
          firstToken,
          numTokens,
          kvHead,
          partial: 0,
        });
        firstToken += numTokens;
      }
    });
    return items;
  }

  /** The layer is done with the chunk: full pages are counted, the last page becomes the open one, pages out of the window are freed. */
  advanceLayer(layer: number, tokens: number): void {
    const { headDim } = this.shapes[layer];
    const end = (this.length % PAGE_SLOTS) + tokens;
    const full = Math.floor(end / PAGE_SLOTS);
    const last = Math.ceil(end / PAGE_SLOTS) - 1;
    this.heads[layer].forEach((head, h) => {
      head.sealed += full;
      if (this.isFloat(layer)) {
        if (end % PAGE_SLOTS === 0) head.open = this.pool.take(floatPageBytes(headDim));
        else head.open = this.runPage(layer, h, last);
      } else if (last > 0) {
        // The last page of the run holds the newest tokens (or is full and sealed): it trades places with the open page.
        const page = this.staging.pages[h][last];
        this.staging.pages[h][last] = head.open;
        head.open = page;
      }
    });
    this.freeBehindWindow(layer, this.length + tokens);
  }

  private freeBehindWindow(layer: number, length: number): void {
    const { window } = this.shapes[layer];
    const oldest = window > 0 ? length - window : 0;
    for (const head of this.heads[layer])
      while (head.first < head.sealed && (head.first + 1) * PAGE_SLOTS <= oldest) this.give(layer, head, head.first++);
  }

  /** Tokens that pages leave of a cut to `length`: a sealed page has lost its f32 values, so a cut inside one takes all of it. */
  wholeUpTo(length: number): number {
    const inOpenPage = length >= this.length - (this.length % PAGE_SLOTS);
    return Math.min(this.length, inOpenPage ? length : length - (length % PAGE_SLOTS));
  }

  /**
   * Forgets all after the first `length` tokens as far as pages allow. Gives the tokens left: none where a window has already
   * moved past what would be seen, or where slots of them are gone, unless only in layers from `above` on, which forget all then.
   */
  truncate(length: number, above?: number): number {
    if (length >= this.length) return this.length;
    let kept = this.wholeUpTo(length);
    const isSeen = this.heads.every((heads, layer) => {
      const { window, pinnedPages = 0 } = this.shapes[layer];
      const { first } = heads[0] ?? { first: 0 };
      return window === 0 || first <= pinnedPages || first * PAGE_SLOTS <= Math.max(0, kept - window + 1);
    });
    const isIntact = kept >= this.droppedAt;
    if (!isSeen || (!isIntact && above === undefined)) kept = 0;
    if (!isIntact || kept === 0) this.droppedAt = kept;
    const textPages = Math.floor(kept / PAGE_SLOTS);
    this.heads.forEach((heads, layer) => {
      for (const head of heads) {
        if (kept === 0) head.missing = 0;
        else if (!isIntact && layer >= (above ?? 0)) head.missing = textPages;
        this.cut(layer, head, textPages - head.missing);
      }
    });
    this.length = kept;
    return kept;
  }

  /** Gives back all that a layer holds, to be filled anew from the text's beginning. */
  forgetLayer(layer: number): void {
    for (const head of this.heads[layer]) this.cut(layer, head, 0);
  }

  private cut(layer: number, head: HeadPages, sealed: number): void {
    for (const n of this.held(layer, head)) if (n >= sealed) this.give(layer, head, n);
    head.sealed = sealed;
    head.first = Math.max(this.shapes[layer].pinnedPages ?? 0, Math.min(head.first, sealed));
  }

  /** Entries of a head's pages in the order of its table; the last is the open page, if it holds any token. */
  pagesOf(layer: number, kvHead: number): number[] {
    const head = this.heads[layer][kvHead];
    const { open } = head;
    const table = this.heap.addresses(head.table, this.tableBytes / 4);
    const entries = this.held(layer, head).map((n) => table[n]);
    return this.length % PAGE_SLOTS === 0 ? entries : [...entries, open + FLOAT_PAGE];
  }

  /** The pages that hold the n-th 64 tokens of the text in the first layers, in the order in which blocks have them. */
  blockPages(n: number, layers = this.shapes.length): { layer: number; kvHead: number; bytes: number }[] {
    return this.heads.slice(0, layers).flatMap((heads, layer) => {
      const bytes = this.bytesOf(layer, n === 0 ? "first" : "rest");
      return heads.map((_, kvHead) => ({ layer, kvHead, bytes }));
    });
  }

  /** The entry of a head's page n, if it is sealed and held. */
  entryAt(layer: number, kvHead: number, n: number): number | undefined {
    const { table, first, sealed } = this.heads[layer][kvHead];
    const { pinnedPages = 0 } = this.shapes[layer];
    const isHeld = n < sealed && (n >= first || n < pinnedPages);
    return isHeld ? this.heap.addresses(table, n + 1)[n] : undefined;
  }

  /** Appends 64 tokens as sealed pages of the first layers, which `fill` writes; others lack them. The open page must be empty, and nothing dropped. */
  appendBlock(fill: (address: number, bytes: number) => void, layers = this.shapes.length): void {
    this.reserve(PAGE_SLOTS);
    const n = this.length / PAGE_SLOTS;
    const which = n === 0 ? "first" : "rest";
    for (const { layer, kvHead, bytes } of this.blockPages(n, layers)) {
      const head = this.heads[layer][kvHead];
      const page = this.pool.take(bytes);
      fill(page, bytes);
      this.heap.addresses(head.table, n + 1)[n] = page + entryFlags(this.formats[layer][which]);
      head.sealed++;
    }
    this.length += PAGE_SLOTS;
    for (const head of this.heads.slice(layers).flat()) head.missing++;
    if (layers < this.shapes.length) this.droppedAt = this.length;
    this.shapes.forEach((_, layer) => void this.freeBehindWindow(layer, this.length));
  }

  /** Puts other sealed pages in the place of a head's, as compaction.ts has made them; those no longer listed are given back by it. */
  setPages(layer: number, kvHead: number, entries: readonly number[]): void {
    const head = this.heads[layer][kvHead];
    this.heap.addresses(head.table, entries.length).set(entries);
    head.missing += head.sealed - entries.length;
    head.sealed = entries.length;
    this.droppedAt = this.length;
  }

  /** The text has `length` tokens from now on; layers may hold fewer, in whole pages but for its own last one. */
  leaveOut(length: number): void {
    for (const head of this.heads.flat()) head.missing = Math.floor(length / PAGE_SLOTS) - head.sealed;
    this.length = length;
    this.droppedAt = length;
  }

  /** An independent copy: sealed pages are shared until one of the two drops slots of them. */
  fork(): KvCache {
    const copy = new KvCache(this.parts);
    copy.length = this.length;
    copy.droppedAt = this.droppedAt;
    this.heads.forEach((heads, layer) => {
      const { headDim } = this.shapes[layer];
      heads.forEach((head, h) => {
        const other = copy.heads[layer][h];
        const table = this.heap.addresses(head.table, this.tableBytes / 4);
        this.heap.addresses(other.table, this.tableBytes / 4).set(table);
        for (const n of this.held(layer, head)) this.pool.share(pageOf(table[n]));
        this.heap.u8.copyWithin(other.open, head.open, head.open + floatPageBytes(headDim));
        Object.assign(other, { first: head.first, sealed: head.sealed, missing: head.missing });
      });
    });
    return copy;
  }

  /** Those of a head's pages that are sealed and held, the chunk's own included, as entries of an attention item. */
  entries(layer: number, kvHead: number, pages: readonly number[]): number[] {
    const head = this.heads[layer][kvHead];
    const { pinnedPages = 0 } = this.shapes[layer];
    const table = this.heap.addresses(head.table, this.tableBytes / 4);
    const entries: number[] = [];
    for (const n of pages) if (n >= head.first || n < pinnedPages) entries.push(table[n]);
    return entries;
  }

  /** The f32 page that the chunk's tokens of text page `page` sit in. */
  ownPage(layer: number, kvHead: number, page: number): number {
    const head = this.heads[layer][kvHead];
    return this.runPage(layer, kvHead, page - head.sealed);
  }

  private held(layer: number, head: HeadPages): number[] {
    return heldPages(head, this.shapes[layer].pinnedPages ?? 0);
  }

  private give(layer: number, head: HeadPages, n: number): void {
    const table = this.heap.addresses(head.table, this.tableBytes / 4);
    this.pool.give(pageOf(table[n]), this.entryBytes(layer, table[n]));
  }

  get pages(): number {
    const pagesIn = (heads: HeadPages[], layer: number) => heads.map((head) => this.held(layer, head).length + 1);
    return this.heads.flatMap(pagesIn).reduce((sum, pages) => sum + pages, 0);
  }

  get bytes(): number {
    return this.heads.reduce((sum, heads, layer) => {
      const open = floatPageBytes(this.shapes[layer].headDim) + this.tableBytes;
      const sealed = (head: HeadPages) => {
        const table = this.heap.addresses(head.table, this.tableBytes / 4);
        return this.held(layer, head).reduce((bytes, n) => bytes + this.entryBytes(layer, table[n]), 0);
      };
      return sum + heads.reduce((bytes, head) => bytes + open + sealed(head), 0);
    }, 0);
  }

  dispose(): void {
    this.heads.forEach((heads, layer) => {
      const { headDim } = this.shapes[layer];
      for (const head of heads) {
        this.cut(layer, head, 0);
        this.pool.give(head.open, floatPageBytes(headDim));
        this.pool.give(head.table, this.tableBytes);
      }
    });
  }
}
