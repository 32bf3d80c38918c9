/**
 * Drops slots of one head. Dropped slots are masked, pages left empty are given back, and pages with fewer than `fewest` slots
 * left are joined into new ones, so that a key is quantised again a few times at most, however long the text.
 */
import { appendKv, FLOAT_PAGE, floatPageBytes, LOW_BIT_PAGE, PAGE_SLOTS } from "../ops/attention.ts";
import { unpackPages } from "../ops/page-low.ts";
import { readSlots } from "../ops/slots.ts";
import type { SharedHeap } from "../runtime/memory.ts";
import type { Team } from "../runtime/team.ts";
import { pageOf } from "./head-pages.ts";
import type { KvCache } from "./kv-cache.ts";
import type { LayerShape } from "./layer-shapes.ts";
import type { PagePool } from "./page-pool.ts";

/** Position of an empty slot: later than any query (kernels/page.ts). */
const EMPTY = 0x7fffffff;

/** The live slots of a head in ascending order of position. */
export interface HeadSlots {
  /** Entries of the pages, as KvCache.pagesOf(). */
  readonly pages: readonly number[];
  readonly positions: Int32Array;
  /** Index among the pages · 64 + slot. */
  readonly at: Int32Array;
}

export function liveSlots(heap: SharedHeap, pages: readonly number[], openTokens: number): HeadSlots {
  const found: { position: number; at: number }[] = [];
  let isAscending = true;
  pages.forEach((entry, page) => {
    const isOpen = openTokens > 0 && page === pages.length - 1;
    const positions = heap.ints(pageOf(entry), isOpen ? openTokens : PAGE_SLOTS);
    positions.forEach((position, slot) => {
      if (position === EMPTY) return;
      if (found.length > 0 && position < found[found.length - 1].position) isAscending = false;
      found.push({ position, at: page * PAGE_SLOTS + slot });
    });
  });
  if (!isAscending) found.sort((a, b) => a.position - b.position);
  return {
    pages,
    positions: Int32Array.from(found, ({ position }) => position),
    at: Int32Array.from(found, ({ at }) => at),
  };
}

export interface Compaction {
  readonly team: Team;
  readonly heap: SharedHeap;
  readonly pool: PagePool;
  readonly cache: KvCache;
  readonly shape: LayerShape;
  readonly layer: number;
  readonly kvHead: number;
}

/** Keeps the slots with the indices `kept` (ascending) of a head. `values`, if given, are what the kept slots hold from now on. */
export function keepSlots(
  compaction: Compaction,
  slots: HeadSlots,
  kept: Int32Array,
  { fewest, values }: { fewest: number; values?: Float32Array },
): void {
  const { heap, pool, cache, layer, kvHead } = compaction;
  const { pages, at } = slots;
  const isOpen = (page: number) => page === pages.length - 1 && cache.length % PAGE_SLOTS !== 0;
  const stays = new Uint8Array(pages.length * PAGE_SLOTS);
  const before = new Int32Array(pages.length);
  const after = new Int32Array(pages.length);
  for (const place of at) before[place >> 6]++;
  for (const slot of kept) {
    stays[at[slot]] = 1;
    after[at[slot] >> 6]++;
  }
  const sparse = pages.map(
    (_, page) => !isOpen(page) && after[page] > 0 && after[page] < (values ? PAGE_SLOTS + 1 : fewest),
  );
  const moved = kept.filter((slot) => sparse[at[slot] >> 6]);
  const isSmaller = Math.ceil(moved.length / PAGE_SLOTS) < sparse.filter(Boolean).length;
  const joins = values !== undefined || isSmaller;
  const joined = joins && moved.length > 0 ? join(compaction, slots, moved, kept, values) : [];

  const entries: number[] = [];
  pages.forEach((entry, page) => {
    if (isOpen(page)) {
      mask(heap, entry, stays, page);
      return;
    }
    const goes = after[page] === 0 || (joins && sparse[page]);
    if (goes) pool.give(pageOf(entry), cache.entryBytes(layer, entry));
    else if (after[page] === before[page]) entries.push(entry);
    else {
      const own = ownCopy(compaction, entry);
      mask(heap, own, stays, page);
      entries.push(own);
    }
  });
  if (values) writeOpenValues(compaction, slots, kept, values);
  cache.setPages(layer, kvHead, [...entries, ...joined]);
}

function mask(heap: SharedHeap, entry: number, stays: Uint8Array, page: number): void {
  const positions = heap.ints(pageOf(entry), PAGE_SLOTS);
  for (let slot = 0; slot < PAGE_SLOTS; slot++) if (!stays[page * PAGE_SLOTS + slot]) positions[slot] = EMPTY;
}

/** The page itself, or a copy if other sequences hold it too. */
function ownCopy({ heap, pool, cache, layer }: Compaction, entry: number): number {
  const page = pageOf(entry);
  if (!pool.isShared(page)) return entry;
  const bytes = cache.entryBytes(layer, entry);
  const copy = pool.take(bytes);
  heap.u8.copyWithin(copy, page, page + bytes);
  pool.give(page, bytes);
  return copy + (entry - page);
}

/** New sealed pages with the slots `moved`, in order. */
function join(
  { team, heap, pool, cache, shape, layer }: Compaction,
  slots: HeadSlots,
  moved: Int32Array,
  kept: Int32Array,
  values?: Float32Array,
): number[] {
  const { headDim } = shape;
  const count = Math.ceil(moved.length / PAGE_SLOTS);
  const rows = count * PAGE_SLOTS;
  const rowsBytes = rows * headDim * 4;
  const space = {
    keys: pool.take(rowsBytes),
    values: pool.take(rowsBytes),
    positions: pool.take(rows * 4),
    table: pool.take(count * 4),
  };
  readRows({ team, heap, pool, cache }, slots, moved, { headDim, keys: space.keys, values: space.values });
  if (values) {
    const to = heap.floats(space.values, rows * headDim);
    let k = 0;
    moved.forEach((slot, row) => {
      while (kept[k] !== slot) k++;
      to.set(values.subarray(k * headDim, (k + 1) * headDim), row * headDim);
    });
  }
  const positions = heap.ints(space.positions, rows);
  for (let row = 0; row < rows; row++) positions[row] = row < moved.length ? slots.positions[moved[row]] : EMPTY;
  // What is left of the last page repeats the last slot, so that it widens no channel's range.
  for (const address of [space.keys, space.values]) {
    const all = heap.floats(address, rows * headDim);
    const last = (moved.length - 1) * headDim;
    for (let row = moved.length; row < rows; row++) all.copyWithin(row * headDim, last, last + headDim);
  }
  const pages = Array.from({ length: count }, () => pool.take(floatPageBytes(headDim)));
  heap.addresses(space.table, count).set(pages);
  const one = { ...shape, numHeads: 1, numKvHeads: 1 };
  const { keys: k, values: v } = space;
  appendKv(team, one, {
    tokens: rows,
    firstSlot: 0,
    k,
    v,
    positions: space.positions,
    pages: space.table,
    pagesPerHead: count,
  });
  // Sinks stay in the precision of the first page.
  const [head, ...rest] = pages;
  const entries = [
    ...cache.sealedEntries(layer, [head], slots.positions[moved[0]] === 0 ? "first" : "rest"),
    ...cache.sealedEntries(layer, rest),
  ];
  if (!(entries[0] & FLOAT_PAGE)) for (const page of pages) pool.give(page, floatPageBytes(headDim));
  for (const address of [space.keys, space.values]) pool.give(address, rowsBytes);
  pool.give(space.positions, rows * 4);
  pool.give(space.table, count * 4);
  return entries;
}

/** Reads the keys and values of the slots `wanted` into rows f32 [wanted][headDim], in order. */
export function readRows(
  { team, heap, pool }: Pick<Compaction, "team" | "heap" | "pool" | "cache">,
  { pages, at }: HeadSlots,
  wanted: Int32Array,
  { headDim, keys, values }: { headDim: number; keys: number; values: number },
): void {
  const pairsBytes = pages.length * 8;
  const rowsBytes = pages.length * PAGE_SLOTS * 4;
  const pairs = pool.take(pairsBytes);
  const rowsAt = pool.take(rowsBytes);
  const rows = heap.ints(rowsAt, pages.length * PAGE_SLOTS).fill(-1);
  wanted.forEach((slot, row) => {
    rows[at[slot]] = row;
  });
  const low = pages.filter((entry) => entry & LOW_BIT_PAGE);
  const unpacked = new Map(low.map((entry) => [entry, pool.take(floatPageBytes(headDim))]));
  heap.addresses(pairs, low.length * 2).set([...unpacked].flat());
  unpackPages(team, headDim, pairs, low.length);
  const readable = (entry: number) => (unpacked.get(entry) ?? entry - FLOAT_PAGE) + FLOAT_PAGE;
  heap
    .addresses(pairs, pages.length * 2)
    .set(pages.flatMap((entry, page) => [readable(entry), rowsAt + page * PAGE_SLOTS * 4]));
  readSlots(team, { pairs, count: pages.length, headDim, keys, values });
  for (const page of unpacked.values()) pool.give(page, floatPageBytes(headDim));
  pool.give(pairs, pairsBytes);
  pool.give(rowsAt, rowsBytes);
}

function writeOpenValues(
  { heap, cache, shape }: Compaction,
  { pages, at }: HeadSlots,
  kept: Int32Array,
  values: Float32Array,
): void {
  if (cache.length % PAGE_SLOTS === 0) return;
  const { headDim } = shape;
  const open = pageOf(pages[pages.length - 1]);
  const rows = heap.floats(open + 256 + headDim * 256, PAGE_SLOTS * headDim);
  kept.forEach((slot, k) => {
    if (at[slot] >> 6 === pages.length - 1)
      rows.set(values.subarray(k * headDim, (k + 1) * headDim), (at[slot] & 63) * headDim);
  });
}
