/** Segmented attention over KV pages (kernels/attention.ts, kernels/page.ts have the formulas and layouts). */
import type { SharedHeap } from "../runtime/memory.ts";
import type { Team } from "../runtime/team.ts";

export const PAGE_SLOTS = 64;
/** Bit 0 of a page's address in an entry list: the page is f32. */
export const FLOAT_PAGE = 1;
/** Bits 1 and 2: the zone. */
export const ZONE_SHIFT = 1;
export const MOST_ZONES = 4;
/** Bit 3: the page is a low-bit one (page-low.ts). */
export const LOW_BIT_PAGE = 8;
/** Bytes that `itemSpace` needs for so many items. */
export function itemBytes(items: number): number {
  return items * 32 + MOST_ZONES * 16;
}

export function floatPageBytes(headDim: number): number {
  return 256 + headDim * 512;
}
export function int8PageBytes(headDim: number): number {
  return 256 + headDim * 140;
}

export interface AttentionShape {
  numHeads: number;
  numKvHeads: number;
  headDim: number;
  /** Multiplies scores before the softmax: usually 1/√headDim. */
  scale: number;
  /** Sliding window in tokens, 0 for none. */
  window: number;
}

/** A part of the past and how its keys are seen: by queries of their own, within a range of distances or of key positions. */
export interface AttentionZone {
  /** f32 [tokens][numHeads][headDim], turned for this zone. */
  readonly q: number;
  /** Least distance i − j. */
  readonly nearest: number;
  /** First distance that is too far; 0 for none. */
  readonly farthest: number;
  /** First key position that is not seen; 0 for none. */
  readonly keyEnd: number;
}

/** One KV head, a run of query tokens, and the pages they see: every entry, then their own page. */
export interface AttentionItem {
  entries: number;
  numEntries: number;
  own: number;
  firstToken: number;
  numTokens: number;
  kvHead: number;
  /** Where to leave an unfinished result for mergePartials; 0 to finish into `out`. */
  partial: number;
  /** For attentionColumns() only. */
  diagonals?: number;
}

/** Scratch that a thread needs for tiles of `tokens` query tokens; a page more, to unpack low-bit pages into. */
export function attentionScratchBytes(
  shape: { numHeads: number; numKvHeads: number; headDim: number },
  tokens: number,
): number {
  const rows = Math.ceil((tokens * shape.numHeads) / shape.numKvHeads / 4) * 4;
  return 4096 + rows * 4 * (shape.headDim + 4) + floatPageBytes(shape.headDim);
}

/** Bytes of one partial result for `tokens` tokens. */
export function partialBytes(shape: AttentionShape, tokens: number): number {
  const rows = Math.ceil((tokens * shape.numHeads) / shape.numKvHeads / 4) * 4;
  return rows * 4 * (shape.headDim + 2);
}

/** Writes items and the zones behind them at `itemSpace`, for the attention kernels; gives the address of the zones. */
export function writeItems(
  heap: SharedHeap,
  shape: AttentionShape,
  items: readonly AttentionItem[],
  args: { itemSpace: number; q: number; zones?: readonly AttentionZone[] },
): number {
  const { itemSpace, q } = args;
  const { zones = [{ q, nearest: 0, farthest: shape.window, keyEnd: 0 }] } = args;
  const words = heap.addresses(itemSpace, itemBytes(items.length) / 4);
  const zoneWords = items.length * 8;
  zones.forEach((zone, z) => {
    words.set([zone.q - q, zone.nearest, zone.farthest, zone.keyEnd], zoneWords + z * 4);
  });
  items.forEach((item, i) => {
    const { entries, numEntries, own, firstToken, numTokens, kvHead, partial, diagonals = 0 } = item;
    words.set([entries, numEntries, own, firstToken, numTokens, kvHead, partial, diagonals], i * 8);
  });
  return itemSpace + zoneWords * 4;
}

/**
 * q, out: f32 [tokens][numHeads][headDim]; positions: i32 [tokens]; items are written at `itemSpace` (itemBytes()).
 * Without `zones` all pages are seen in zone 0: by q, as far as the shape's window reaches.
 */
export function attention(
  team: Team,
  heap: SharedHeap,
  shape: AttentionShape,
  items: readonly AttentionItem[],
  args: { itemSpace: number; q: number; positions: number; out: number; zones?: readonly AttentionZone[] },
): void {
  const { itemSpace, q, positions, out } = args;
  const zonesAt = writeItems(heap, shape, items, args);
  const { numHeads, numKvHeads, headDim, scale } = shape;
  const group = numHeads / numKvHeads;
  const log2Scale = scale * Math.LOG2E;
  team.run("attention", items.length, 1, itemSpace, q, positions, out, numHeads, group, headDim, log2Scale, zonesAt);
}

/** Joins `splits` partial results per KV head (kvHead-major, `stride` bytes apart) into out [tokens][numHeads][headDim]. */
export function mergePartials(
  team: Team,
  shape: AttentionShape,
  {
    partials,
    splits,
    stride,
    out,
    tokens,
  }: { partials: number; splits: number; stride: number; out: number; tokens: number },
): void {
  const { numHeads, numKvHeads, headDim } = shape;
  // A few microseconds of work in decode: not worth waking anybody.
  team.run(
    "mergePartials",
    numKvHeads,
    tokens * numHeads < 64 ? numKvHeads : 1,
    partials,
    splits,
    stride,
    out,
    tokens,
    numHeads,
    numHeads / numKvHeads,
    headDim,
  );
}

/**
 * Appends k, v f32 [tokens][numKvHeads][headDim] with their positions to f32 pages, from slot `firstSlot` of each head's first page on.
 * pages: u32 [numKvHeads][pagesPerHead] addresses.
 */
export function appendKv(
  team: Team,
  shape: AttentionShape,
  args: {
    tokens: number;
    firstSlot: number;
    k: number;
    v: number;
    positions: number;
    pages: number;
    pagesPerHead: number;
  },
): void {
  const { tokens, firstSlot, k, v, positions, pages, pagesPerHead } = args;
  const { numKvHeads, headDim } = shape;
  team.run(
    "appendKv",
    numKvHeads,
    tokens < 16 ? numKvHeads : 1,
    tokens,
    headDim,
    numKvHeads,
    firstSlot,
    k,
    v,
    positions,
    pages,
    pagesPerHead,
  );
}

/** Quantises full f32 pages to q8 pages; pairs: u32 [count][from, to] at an address. */
export function sealPages(team: Team, headDim: number, pairs: number, count: number): void {
  team.run("sealPages", count, 1, headDim, pairs);
}
