import assert from "node:assert/strict";
import { test } from "node:test";
import { builds, type KernelSpace, type PageFormat, Pages, withTeam } from "../../test/support/kernels.ts";
import { randomFloats } from "../../test/support/random.ts";
import { type AttentionShape, attentionScratchBytes, itemBytes, PAGE_SLOTS } from "./attention.ts";
import { indexPages, type PageIndexShape, recordBytes, scorePages } from "./page-index.ts";
import { readSlots } from "./slots.ts";

const PAGES = 5;
const TOKENS = 3;
const indexes: readonly PageIndexShape[] = [
  { kind: "bounds", slots: 16 },
  { kind: "bounds", slots: 64 },
  { kind: "mean", slots: 64 },
];

const formats: readonly PageFormat[] = ["q8", "f32", "mixed"];

for (const build of builds)
  for (const [headDim, group] of [
    [64, 7],
    [128, 2],
    [16, 1],
  ] as const)
    for (const index of indexes)
      test(`${index.kind} of ${index.slots} slots, heads of ${headDim}, groups of ${group}, ${build}: with q8 pages, f32 pages and both within 1e-4 of what their keys give in f64`, async () => {
        const numHeads = 2 * group;
        const shape: AttentionShape = { numHeads, numKvHeads: 2, headDim, scale: 0.3, window: 0 };
        const keys = PAGES * PAGE_SLOTS;
        const inputs = {
          k: randomFloats(keys * 2 * headDim, 1, 2),
          v: new Float32Array(keys * 2 * headDim),
          keyPositions: Int32Array.from({ length: keys }, (_, key) => key),
          q: randomFloats(TOKENS * numHeads * headDim, 3),
          positions: Int32Array.from({ length: TOKENS }, (_, t) => keys + t),
        };
        const check = (space: KernelSpace, format: PageFormat) => {
          const pages = new Pages(space, shape, inputs);
          const record = recordBytes(index, headDim);
          const entries = [0, 1].map((kvHead) =>
            Array.from({ length: PAGES }, (_, n) => pages.entry(kvHead, n, format)),
          );
          const records = entries.map(() => space.allocate(PAGES * record));
          const pairs = entries.flatMap((list, h) => list.flatMap((entry, n) => [entry, records[h] + n * record]));
          const count = pairs.length / 2;
          indexPages(space.team, index, { headDim, pairs: space.put(Uint32Array.from(pairs)), count });
          const rows = TOKENS * group;
          const items = records.map((at, kvHead) => ({
            ...{ entries: at, numEntries: PAGES, own: 0, firstToken: 0, numTokens: TOKENS, kvHead },
            partial: space.allocate(rows * PAGES * 4),
          }));
          scorePages(space.team, space.heap, shape, index, items, {
            itemSpace: space.allocate(itemBytes(items.length)),
            q: space.put(inputs.q),
            pages: PAGES,
          });
          for (const { kvHead, partial } of items) {
            const held = keysOf(space, entries[kvHead], headDim);
            const pageKeys = Array.from({ length: PAGES }, (_, p) => held.slice(p * PAGE_SLOTS, (p + 1) * PAGE_SLOTS));
            const runs = pageKeys.map((page) => runsOf(page, index));
            const scores = space.floats(partial, rows * PAGES);
            const factor = shape.scale * Math.LOG2E;
            for (let r = 0; r < rows; r++) {
              const head = Math.floor(r / group) * numHeads + kvHead * group + (r % group);
              const q = inputs.q.subarray(head * headDim, (head + 1) * headDim);
              for (let p = 0; p < PAGES; p++) {
                const expected = factor * Math.max(...runs[p].map(([low, high]) => most(q, low, high)));
                const score = scores[r * PAGES + p];
                const message = `${format}: ${score}, not ${expected}`;
                assert.ok(Math.abs(score - expected) < 1e-4 * (1 + Math.abs(expected)), message);
                if (index.kind === "bounds")
                  for (const key of pageKeys[p])
                    assert.ok(score > factor * dot(q, key) - 1e-4, "no product exceeds it");
              }
            }
          }
        };
        const use = (space: KernelSpace) => {
          for (const format of formats) check(space, format);
        };
        await withTeam(build, 2, use, attentionScratchBytes(shape, PAGE_SLOTS));
      });

/** What pages hold, one array a key. */
function keysOf(space: KernelSpace, entries: readonly number[], headDim: number): Float32Array[] {
  const count = entries.length;
  const rowsOf = (n: number) => Int32Array.from({ length: PAGE_SLOTS }, (_, slot) => n * PAGE_SLOTS + slot);
  const pairs = space.put(Uint32Array.from(entries.flatMap((entry, n) => [entry, space.put(rowsOf(n))])));
  const floats = count * PAGE_SLOTS * headDim;
  const [keys, values] = [space.allocate(floats * 4), space.allocate(floats * 4)];
  readSlots(space.team, { pairs, count, headDim, keys, values });
  const all = space.floats(keys, floats);
  return Array.from({ length: count * PAGE_SLOTS }, (_, key) => all.slice(key * headDim, (key + 1) * headDim));
}

/** Of each run of a page's slots: the least and the greatest value of each channel, or the mean as both. */
function runsOf(page: readonly Float32Array[], { kind, slots }: PageIndexShape): Float64Array[][] {
  return Array.from({ length: PAGE_SLOTS / slots }, (_, n) => {
    const run = page.slice(n * slots, (n + 1) * slots);
    const channels = Array.from(page[0], (_, c) => run.map((key) => key[c]));
    const of = (join: (...values: number[]) => number) => Float64Array.from(channels, (values) => join(...values));
    const mean = (...values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    return kind === "mean" ? [of(mean), of(mean)] : [of(Math.min), of(Math.max)];
  });
}

/** The greatest product that a key between the two may have. */
function most(q: Float32Array, low: Float64Array, high: Float64Array): number {
  return q.reduce((sum, x, c) => sum + Math.max(x * low[c], x * high[c]), 0);
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, c) => sum + x * b[c], 0);
}
