/**
 * The KV cache of one sequence: for every (layer, KV head) a table of sealed pages and one open f32 page.
 * Only this file moves the bytes of keys and values. A page holds positions [64n, 64n + 63] of the text.
 */
import type { CachePlan } from "../context/cache/plan.ts";
import {
  type AttentionItem,
  appendKv,
  FLOAT_PAGE,
  floatPageBytes,
  int8PageBytes,
  PAGE_SLOTS,
  sealPages,
} from "../ops/attention.ts";
import type { SharedHeap } from "../runtime/memory.ts";
import type { Team } from "../runtime/team.ts";
import type { LayerShape } from "./layer-shapes.ts";
import type { PagePool } from "./page-pool.ts";

/**
 * Pages of one (layer, KV head). table[n] is the sealed page n; pages before `first` have left the window and are gone, but for
 * pinned ones.
 */
interface HeadPages {
  readonly table: number;
  first: number;
  sealed: number;
  open: number;
}

/** f32 pages that a chunk fills, shared by all sequences: [KV heads][pages of a chunk]. */
export interface Staging {
  readonly pages: Uint32Array[];
  /** u32 space for the page addresses of one append and for the (from, to) pairs of one seal. */
  readonly runTable: number;
  readonly pairTable: number;
}

export class KvCache {
  length = 0;
  private readonly heads: HeadPages[][];
  private readonly tableBytes: number;
  private readonly team: Team;
  private readonly heap: SharedHeap;
  private readonly pool: PagePool;
  private readonly shapes: readonly LayerShape[];
  private readonly format: CachePlan["format"];
  private readonly staging: Staging;
  /** f32 caches only: pages of the current chunk, [KV heads][pages]; they become sealed pages as they are. */
  private readonly fresh: number[][];

  constructor(args: {
    team: Team;
    heap: SharedHeap;
    pool: PagePool;
    shapes: readonly LayerShape[];
    format: CachePlan["format"];
    staging: Staging;
    capacity: number;
  }) {
    this.team = args.team;
    this.heap = args.heap;
    this.pool = args.pool;
    this.shapes = args.shapes;
    this.format = args.format;
    this.staging = args.staging;
    this.fresh = Array.from({ length: Math.max(...this.shapes.map(({ numKvHeads }) => numKvHeads)) }, () => []);
    this.tableBytes = Math.ceil(args.capacity / PAGE_SLOTS + 1) * 4;
    this.heads = this.shapes.map(({ numKvHeads, headDim, pinnedPages = 0 }) =>
      Array.from({ length: numKvHeads }, () => ({
        table: this.pool.take(this.tableBytes),
        first: pinnedPages,
        sealed: 0,
        open: this.pool.take(floatPageBytes(headDim)),
      })),
    );
  }

  /** Bytes of pages that `tokens` more tokens will take. */
  bytesFor(tokens: number): number {
    return this.shapes.reduce((sum, { numKvHeads, window, pinnedPages = 0 }, layer) => {
      const held = (length: number) => {
        const most = window > 0 ? window + (1 + pinnedPages) * PAGE_SLOTS : length;
        return Math.ceil(Math.min(length, most) / PAGE_SLOTS);
      };
      const pages = Math.max(0, held(this.length + tokens) - held(this.length));
      return sum + numKvHeads * pages * this.sealedPageBytes(layer);
    }, 0);
  }

  private sealedPageBytes(layer: number): number {
    return pageBytes(this.format, this.shapes[layer].headDim);
  }

  /** Makes sure of the pages that `tokens` more tokens fill, so that no chunk fails half-way, with some layers longer than others. */
  reserve(tokens: number): void {
    const full = Math.floor(((this.length % PAGE_SLOTS) + tokens) / PAGE_SLOTS);
    const needed = new Map<number, number>();
    this.shapes.forEach(({ numKvHeads }, layer) => {
      const bytes = this.sealedPageBytes(layer);
      needed.set(bytes, (needed.get(bytes) ?? 0) + full * numKvHeads);
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
    this.heads[layer].forEach((head, h) => {
      if (this.format === "f32")
        for (let n = 1; n < numPages; n++) this.fresh[h][n] = this.pool.take(floatPageBytes(shape.headDim));
      for (let n = 0; n < numPages; n++) run[h * numPages + n] = this.runPage(head, h, n);
    });
    const { tokens, positions, k, v } = chunk;
    const pages = this.staging.runTable;
    appendKv(this.team, shape, { tokens, firstSlot, k, v, positions, pages, pagesPerHead: numPages });
    this.seal(layer, full);
  }

  /** The f32 page that holds the n-th page's worth of the chunk. */
  private runPage(head: HeadPages, h: number, n: number): number {
    if (n === 0) return head.open;
    return this.format === "f32" ? this.fresh[h][n] : this.staging.pages[h][n];
  }

  /** Puts the first `full` pages of the run into the tables: as they are, or quantised. */
  private seal(layer: number, full: number): void {
    if (full === 0) return;
    const { headDim } = this.shapes[layer];
    const pairs: number[] = [];
    this.heads[layer].forEach((head, h) => {
      const table = this.heap.addresses(head.table, this.tableBytes / 4);
      for (let n = 0; n < full; n++) {
        const from = this.runPage(head, h, n);
        if (this.format === "f32") table[head.sealed + n] = from | FLOAT_PAGE;
        else {
          const to = this.pool.take(int8PageBytes(headDim));
          table[head.sealed + n] = to;
          pairs.push(from, to);
        }
      }
    });
    if (pairs.length === 0) return;
    this.heap.addresses(this.staging.pairTable, pairs.length).set(pairs);
    sealPages(this.team, headDim, this.staging.pairTable, pairs.length / 2);
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
          own: this.runPage(head, kvHead, n),
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
    const { window, headDim } = this.shapes[layer];
    const end = (this.length % PAGE_SLOTS) + tokens;
    const full = Math.floor(end / PAGE_SLOTS);
    const last = Math.ceil(end / PAGE_SLOTS) - 1;
    const oldest = window > 0 ? this.length + tokens - window : 0;
    this.heads[layer].forEach((head, h) => {
      head.sealed += full;
      if (this.format === "f32") {
        if (end % PAGE_SLOTS === 0) head.open = this.pool.take(floatPageBytes(headDim));
        else head.open = this.runPage(head, h, last);
      } else if (last > 0) {
        // The last page of the run holds the newest tokens (or is full and sealed): it trades places with the open page.
        const page = this.staging.pages[h][last];
        this.staging.pages[h][last] = head.open;
        head.open = page;
      }
      while (head.first < head.sealed && (head.first + 1) * PAGE_SLOTS <= oldest) this.give(layer, head, head.first++);
    });
  }

  /**
   * Forgets all after the first `length` tokens as far as pages allow: a sealed page has lost its f32 values, so a cut
   * inside one takes all of it. Gives the tokens left: none where a window has already moved past what would be seen.
   */
  truncate(length: number): number {
    if (length >= this.length) return this.length;
    const inOpenPage = length >= this.length - (this.length % PAGE_SLOTS);
    let kept = inOpenPage ? length : length - (length % PAGE_SLOTS);
    const isSeen = this.heads.every((heads, layer) => {
      const { window, pinnedPages = 0 } = this.shapes[layer];
      const { first } = heads[0] ?? { first: 0 };
      return window === 0 || first <= pinnedPages || first * PAGE_SLOTS <= Math.max(0, kept - window + 1);
    });
    if (!isSeen) kept = 0;
    const sealed = Math.floor(kept / PAGE_SLOTS);
    this.heads.forEach((heads, layer) => {
      const { pinnedPages = 0 } = this.shapes[layer];
      for (const head of heads) {
        for (const n of heldPages(head, pinnedPages)) if (n >= sealed) this.give(layer, head, n);
        head.sealed = sealed;
        head.first = Math.max(pinnedPages, Math.min(head.first, sealed));
      }
    });
    this.length = kept;
    return kept;
  }

  /** Sealed pages among [from, to) of a head that are held, the chunk's own included, as entries of an attention item. */
  entries(layer: number, kvHead: number, from: number, to: number): number[] {
    const head = this.heads[layer][kvHead];
    const { pinnedPages = 0 } = this.shapes[layer];
    const table = this.heap.addresses(head.table, this.tableBytes / 4);
    const entries: number[] = [];
    for (let n = from; n < to; n++) if (n >= head.first || n < pinnedPages) entries.push(table[n]);
    return entries;
  }

  /** The f32 page that the chunk's tokens of text page `page` sit in. */
  ownPage(layer: number, kvHead: number, page: number): number {
    const head = this.heads[layer][kvHead];
    return this.runPage(head, kvHead, page - head.sealed);
  }

  private give(layer: number, head: HeadPages, n: number): void {
    const table = this.heap.addresses(head.table, this.tableBytes / 4);
    this.pool.give(table[n] & ~3, this.sealedPageBytes(layer));
  }

  get pages(): number {
    return this.heads.reduce((sum, heads, layer) => {
      const { pinnedPages = 0 } = this.shapes[layer];
      return sum + heads.reduce((pages, head) => pages + heldPages(head, pinnedPages).length + 1, 0);
    }, 0);
  }

  get bytes(): number {
    return this.heads.reduce((sum, heads, layer) => {
      const { headDim, pinnedPages = 0 } = this.shapes[layer];
      const open = floatPageBytes(headDim) + this.tableBytes;
      const sealed = (head: HeadPages) => heldPages(head, pinnedPages).length * this.sealedPageBytes(layer);
      return sum + heads.reduce((bytes, head) => bytes + open + sealed(head), 0);
    }, 0);
  }

  dispose(): void {
    this.heads.forEach((heads, layer) => {
      const { pinnedPages = 0 } = this.shapes[layer];
      for (const head of heads) {
        for (const n of heldPages(head, pinnedPages)) this.give(layer, head, n);
        this.pool.give(head.open, floatPageBytes(this.shapes[layer].headDim));
        this.pool.give(head.table, this.tableBytes);
        head.first = head.sealed = 0;
      }
    });
  }
}

/** Sealed pages that are held: pinned ones, and those of the window. */
function heldPages({ first, sealed }: HeadPages, pinnedPages: number): number[] {
  const pinned = Array.from({ length: Math.min(pinnedPages, sealed) }, (_, n) => n);
  return [...pinned, ...Array.from({ length: Math.max(0, sealed - first) }, (_, i) => first + i)];
}

function pageBytes(format: CachePlan["format"], headDim: number): number {
  return format === "f32" ? floatPageBytes(headDim) : int8PageBytes(headDim);
}
