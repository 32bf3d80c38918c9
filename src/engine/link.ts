/**
 * Tokens that another sequence has read, put behind those of this one. Turns of RoPE add up, so a key goes to its new place by the
 * angle of the distance s that it moves, and values stay:
 *   k(p + s) = R(s) · k(p)      v(p + s) = v(p)
 * What the tokens saw when they were read stays as well: the text that they were read in, not the one that they stand in now
 * (EPIC, arXiv 2410.15332). Keys and values of quantised pages are unpacked and quantised anew.
 */
import type { Rotation } from "../context/position/rotation.ts";
import { fillRopeTable } from "../context/position/table.ts";
import { floatPageBytes, LOW_BIT_PAGE, PAGE_SLOTS } from "../ops/attention.ts";
import { rope } from "../ops/rows.ts";
import { UnsupportedError } from "../runtime/errors.ts";
import type { ChunkParts, ChunkSequence } from "./chunk.ts";
import { type HeadSlots, readRows } from "./compaction.ts";
import { pageOf } from "./head-pages.ts";
import type { KvCache } from "./kv-cache.ts";

export interface LinkRange {
  /** Tokens [start, end) of the other sequence, all of which it holds. */
  readonly start: number;
  readonly end: number;
}

/**
 * Appends the first tokens of a range, at most `most`, and gives how many these are; whether all of the range can be linked is
 * checked before. Throws UnsupportedError if not, CapacityError if there is no room; then nothing has changed.
 */
export function linkTokens(
  parts: ChunkParts,
  { from, to }: { from: ChunkSequence; to: ChunkSequence },
  { start, end }: LinkRange,
  most: number,
): number {
  const { heap, pool, space } = parts;
  const [source] = from.stores.caches;
  const [target] = to.stores.caches;
  expectLinkable(from, to);
  expectHeld(parts, source, { start, end });
  const tokens = Math.min(most, end - start);
  const { length } = target;
  const shift = length - (to.leftOut ?? 0) - start + (from.leftOut ?? 0);
  const { numKvHeads, headDim } = space.shapes[0];
  const bytes = most * numKvHeads * headDim * 4;
  const range = { start, end: start + tokens };
  reserve(parts, source, range, bytes);
  to.stores.reserve(tokens);
  const [k, v] = [pool.take(bytes), pool.take(bytes)];
  heap.ints(space.positions, tokens).set(Array.from({ length: tokens }, (_, t) => length + t));
  fillTables(parts, to.rotation, tokens, shift);
  const slots = slotsOf(start, tokens, numKvHeads);
  space.shapes.forEach((_, layer) => {
    const pages = pagesOf(parts, source, layer, range);
    readRows({ ...parts, cache: source }, { ...slots, pages }, slots.rows, { headDim, keys: k, values: v });
    if (shift !== 0) turn(parts, to.rotation, layer, k, tokens);
    target.append(layer, { tokens, positions: space.positions, k, v });
    to.stores.advanceLayer(layer, tokens);
  });
  to.stores.grow(tokens);
  pool.give(k, bytes);
  pool.give(v, bytes);
  return tokens;
}

/** Makes sure of all that reading rows takes, so that no layer fails behind others. */
function reserve(parts: ChunkParts, source: KvCache, range: LinkRange, bytes: number): void {
  const { pool, space } = parts;
  const pages = space.shapes.map((_, layer) => pagesOf(parts, source, layer, range));
  const unpacked = Math.max(...pages.map((entries) => entries.filter((entry) => entry & LOW_BIT_PAGE).length));
  pool.reserve(bytes, 2);
  pool.reserve(pages[0].length * 8, 1);
  pool.reserve(pages[0].length * PAGE_SLOTS * 4, 1);
  pool.reserve(floatPageBytes(space.shapes[0].headDim), unpacked);
}

/** The attention factor is in the keys already. */
function fillTables({ heap, config, space }: ChunkParts, rotation: Rotation, tokens: number, shift: number): void {
  const shifts = new Array<number>(tokens).fill(shift);
  rotation.profiles.forEach(({ inverse }, i) => {
    const table = heap.floats(space.tables[i].keys[0], tokens * config.rotary);
    fillRopeTable(table, shifts, { inverse, attentionFactor: 1 });
  });
}

function turn({ team, config, space }: ChunkParts, rotation: Rotation, layer: number, k: number, tokens: number): void {
  const { numKvHeads: heads, headDim, rotary, ropeInterleaved: interleaved } = config;
  const [table] = space.tables[rotation.profileOf[layer]].keys;
  rope(team, { heads, headDim, rotary, interleaved }, table, k, tokens);
}

/** Where tokens stand in the pages that pagesOf() gives, in the order [tokens][numKvHeads] of what is appended. */
function slotsOf(start: number, tokens: number, numKvHeads: number): Omit<HeadSlots, "pages"> & { rows: Int32Array } {
  const first = start - (start % PAGE_SLOTS);
  const slotsOfHead = Math.ceil((start + tokens - first) / PAGE_SLOTS) * PAGE_SLOTS;
  const rows = Int32Array.from({ length: tokens * numKvHeads }, (_, row) => row);
  const positions = rows.map((row) => start + Math.floor(row / numKvHeads));
  const at = rows.map((row, i) => (row % numKvHeads) * slotsOfHead + positions[i] - first);
  return { rows, positions, at };
}

/** Entries of the pages that hold positions [start, end), KV head by KV head. */
function pagesOf({ space }: ChunkParts, cache: KvCache, layer: number, { start, end }: LinkRange): number[] {
  const first = Math.floor(start / PAGE_SLOTS);
  const count = Math.ceil(end / PAGE_SLOTS) - first;
  return Array.from({ length: space.shapes[layer].numKvHeads * count }, (_, i) => {
    const kvHead = Math.floor(i / count);
    const entry = entryOf(cache, layer, kvHead, first + (i % count));
    if (entry === undefined) throw new Error(`link: page ${first + (i % count)} of layer ${layer} is not held`);
    return entry;
  });
}

/** Of the n-th page of the text, sealed or open. */
function entryOf(cache: KvCache, layer: number, kvHead: number, n: number): number | undefined {
  const isOpen = n === Math.floor(cache.length / PAGE_SLOTS);
  return isOpen ? cache.pagesOf(layer, kvHead).at(-1) : cache.entryAt(layer, kvHead, n);
}

function expectLinkable(from: ChunkSequence, to: ChunkSequence): void {
  if (from.rotation.zones || to.rotation.zones || !turnsAlike(from.rotation, to.rotation))
    throw new UnsupportedError(
      "link: expected two sessions whose keys are turned in one and the same way, got others. Give both plans the same position method, one that does not re-index.",
    );
  if (to.observations)
    throw new UnsupportedError(
      "link: expected a session that needs nothing of a text but its keys and values, got one that gathers more while it reads. Take a score such as key-diff, leave out statistics, or read the text.",
    );
}

function turnsAlike(a: Rotation, b: Rotation): boolean {
  const figures = ({ profiles, profileOf }: Rotation) =>
    JSON.stringify([profileOf, profiles.map(({ inverse, attentionFactor }) => [[...inverse], attentionFactor])]);
  return figures(a) === figures(b);
}

/** Refuses what was dropped, or has left a window. */
function expectHeld({ heap, space }: ChunkParts, cache: KvCache, { start, end }: LinkRange): void {
  space.shapes.forEach(({ numKvHeads, window }, layer) => {
    for (let kvHead = 0; kvHead < numKvHeads; kvHead++)
      for (let n = Math.floor(start / PAGE_SLOTS); n * PAGE_SLOTS < end; n++) {
        const entry = entryOf(cache, layer, kvHead, n);
        const positions = entry === undefined ? undefined : heap.ints(pageOf(entry), PAGE_SLOTS);
        const [first, behind] = [Math.max(start, n * PAGE_SLOTS), Math.min(end, (n + 1) * PAGE_SLOTS)];
        for (let position = first; position < behind; position++)
          if (positions?.[position % PAGE_SLOTS] !== position) throw notHeld(position, window);
      }
  });
}

function notHeld(position: number, window: number): UnsupportedError {
  const reason = window > 0 ? `has left a sliding window of ${window} tokens` : "was dropped";
  const remedy =
    window > 0
      ? "Link texts no longer than the window, or use a model without sliding windows."
      : "Link from a session whose plan drops nothing.";
  return new UnsupportedError(
    `link: expected a session that holds all tokens it gives, got one whose token ${position} ${reason}. ${remedy}`,
    { got: position },
  );
}
