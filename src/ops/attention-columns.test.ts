import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type BuildName,
  builds,
  expectClose,
  expectSame,
  type KernelSpace,
  type PageFormat,
  Pages,
  withTeam,
} from "../../test/support/kernels.ts";
import { randomFloats } from "../../test/support/random.ts";
import type { AttentionInputs } from "./attention.reference.ts";
import { type AttentionItem, type AttentionShape, attentionScratchBytes, itemBytes, ZONE_SHIFT } from "./attention.ts";
import { attentionColumnsReference, type EntryReference, type ZoneReference } from "./attention-columns.reference.ts";
import { attentionColumns, type ColumnMode, columnBytes, diagonalBytes } from "./attention-columns.ts";

/** Position of a slot with nothing in it. */
const EMPTY = 0x7fffffff;

function shapeOf(headDim: number, group: number, window = 0): AttentionShape {
  return { numHeads: 2 * group, numKvHeads: 2, headDim, scale: 1 / Math.sqrt(headDim), window };
}

/**
 * As in attention.test.ts, scores with a deviation of 2. Page 1 is empty, page 2 and later even ones have holes, the others none, so that
 * there are pages that all rows see all of.
 */
function randomInputs({ numHeads, numKvHeads, headDim }: AttentionShape, keys: number, tokens: number) {
  return {
    k: randomFloats(keys * numKvHeads * headDim, 1),
    v: new Float32Array(keys * numKvHeads * headDim),
    keyPositions: Int32Array.from({ length: keys }, (_, key) => {
      const page = key >> 6;
      return page === 1 || (page >= 2 && page % 2 === 0 && key % 9 === 5) ? EMPTY : key;
    }),
    q: randomFloats(tokens * numHeads * headDim, 3, Math.SQRT2).map((value) => value + Math.SQRT2),
    positions: Int32Array.from({ length: tokens }, (_, t) => keys - tokens + t),
  };
}

/** All queries see, for every KV head, all pages in all zones; the last page is their own in zone 0. */
class Columns {
  readonly pages: Pages;
  readonly zones: readonly ZoneReference[];
  readonly entries: readonly EntryReference[];

  constructor(space: KernelSpace, shape: AttentionShape, inputs: AttentionInputs, zones?: readonly ZoneReference[]) {
    this.pages = new Pages(space, shape, inputs);
    this.zones = zones ?? [{ q: inputs.q, nearest: 0, farthest: shape.window, keyEnd: 0 }];
    const earlier = Array.from({ length: this.pages.numPages - 1 }, (_, page) => page);
    this.entries = [
      ...this.zones.flatMap((zone) => earlier.map((page) => ({ page, zone }))),
      { page: this.pages.numPages - 1, zone: this.zones[0] },
    ];
  }

  items(format: PageFormat, own = true): AttentionItem[] {
    const { pages, zones } = this;
    return [0, 1].map((kvHead) => {
      const listed = own ? this.entries.slice(0, -1) : this.entries;
      const entries = listed.map(
        ({ page, zone }) => pages.entry(kvHead, page, format) | (zones.indexOf(zone) << ZONE_SHIFT),
      );
      return pages.item(kvHead, entries, { own: own ? pages.float[kvHead][pages.numPages - 1] : 0 });
    });
  }

  /** The columns of both KV heads one after another. */
  sums(items: readonly AttentionItem[], mode: ColumnMode): Float32Array {
    const { space, shape, inputs } = this.pages;
    const zones = this.zones.map((zone) => ({ ...zone, q: space.put(zone.q) }));
    const addressed = items.map((item) => {
      const floats = columnBytes(item.numEntries) / 4;
      return { ...item, partial: space.put(new Float32Array(floats).fill(Number.NaN)) };
    });
    attentionColumns(space.team, space.heap, shape, addressed, {
      itemSpace: space.allocate(itemBytes(items.length)),
      q: zones[0].q,
      positions: space.put(inputs.positions),
      zones: shape.window > 0 ? undefined : zones,
      mode,
    });
    const all = addressed.map((item) => space.floats(item.partial, columnBytes(item.numEntries) / 4));
    return Float32Array.from(all.flatMap((columns) => [...columns]));
  }

  reference(mode: ColumnMode): Float64Array {
    const { inputs, shape } = this.pages;
    const heads = [0, 1].map((kvHead) => attentionColumnsReference(inputs, shape, kvHead, this.entries, mode));
    return Float64Array.from(heads.flatMap((columns) => [...columns]));
  }
}

function withScratch(build: BuildName, threads: number, shape: AttentionShape, use: (space: KernelSpace) => void) {
  return withTeam(build, threads, use, attentionScratchBytes(shape, 64));
}

function total(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0);
}

/**
 * Scores up to 12 in units of log2 err by some 2^-22 each and the exponential by 3e-6, in the share and in what it is a share of;
 * a sum of rows errs no more than its rows.
 */
const float = { relative: 1e-5 };
/** A q8 score errs by 0.025 on average (attention.test.ts), a share by as much relatively: 5 deviations, and the mean of that. */
const int8 = { relative: 0.15 };

/** Every slot that the reference gives nothing gets exactly nothing, and the others what the tolerance says. */
function expectColumns(actual: Float32Array, expected: Float64Array, tolerance: { relative: number }, what: string) {
  assert.ok(expected.includes(0) && expected.some((value) => value > 0), what);
  expectClose(actual, expected, tolerance, what);
}

for (const { headDim, group, keys, tokens } of [
  { headDim: 64, group: 7, keys: 230, tokens: 64 },
  { headDim: 128, group: 1, keys: 257, tokens: 5 },
  { headDim: 16, group: 7, keys: 330, tokens: 5 },
  { headDim: 128, group: 7, keys: 200, tokens: 1 },
  { headDim: 64, group: 1, keys: 320, tokens: 1 },
  { headDim: 16, group: 1, keys: 320, tokens: 64 },
])
  for (const kind of ["causal", "window", "near and far", "near and sinks"]) {
    const title = `head size ${headDim}, group ${group}, the last ${tokens} of ${keys} keys ask, ${kind}`;
    test(`attentionColumns, ${title}: f32 pages within 1e-5, q8 pages within 15 %, relative, and exactly 0 where nobody sees`, async () => {
      const shape = shapeOf(headDim, group, kind === "window" ? 100 : 0);
      const inputs = randomInputs(shape, keys, tokens);
      const far = {
        q: randomFloats(inputs.q.length, 4, 2),
        nearest: 90,
        farthest: 0,
        keyEnd: kind === "near and far" ? 0 : 40,
      };
      const zones = [{ q: inputs.q, nearest: 0, farthest: 90, keyEnd: 0 }, far];
      for (const build of builds)
        await withScratch(build, 1, shape, (space) => {
          const columns = new Columns(space, shape, inputs, kind.startsWith("near") ? zones : undefined);
          for (const mode of ["sum", "maximum"] as const) {
            const expected = columns.reference(mode);
            expectColumns(columns.sums(columns.items("f32"), mode), expected, float, `${build} f32 ${mode}`);
            expectColumns(columns.sums(columns.items("q8"), mode), expected, int8, `${build} q8 ${mode}`);
          }
          // Both passes see the same scores, so what a row gives adds up to 1 whatever the pages' errors.
          const sum = total(columns.sums(columns.items("mixed"), "sum"));
          expectClose([sum], [2 * group * tokens], { relative: 1e-5 }, `${build}, all columns`);
        });
    });
  }

for (const build of builds) {
  const shape = shapeOf(64, 3);
  const inputs = randomInputs(shape, 330, 5);

  test(`attentionColumns, ${build}: two threads give the same bits as one`, async () => {
    const results: Float32Array[] = [];
    for (const threads of [1, 2])
      await withScratch(build, threads, shape, (space) => {
        const columns = new Columns(space, shape, inputs);
        results.push(columns.sums(columns.items("mixed"), "sum"));
      });
    expectSame(results[1], results[0]);
  });

  test(`attentionColumns, ${build}: without an own page its block is 0, and other pages have the bits that they had with it listed`, async () => {
    await withScratch(build, 1, shape, (space) => {
      const columns = new Columns(space, shape, inputs);
      const [withOwn, listed] = [true, false].map((own) => columns.sums(columns.items("f32", own), "sum"));
      const heads = [0, 1].map((kvHead) =>
        listed.subarray((kvHead * listed.length) / 2, ((kvHead + 1) * listed.length) / 2),
      );
      assert.ok(heads.every((head) => head.subarray(-64).every((value) => value === 0)));
      expectSame(Float32Array.from(heads.flatMap((head) => [...head.subarray(0, -64)])), withOwn);
    });
  });

  test(`attentionColumns, ${build}: tokens cut into items add up to those of one, within 1e-6`, async () => {
    await withScratch(build, 2, shape, (space) => {
      const columns = new Columns(space, shape, inputs);
      const items = columns.items("q8");
      const parts = [
        [0, 2],
        [2, 3],
      ].map(([firstToken, numTokens]) =>
        columns.sums(
          items.map((item) => ({ ...item, firstToken, numTokens })),
          "sum",
        ),
      );
      expectClose(
        parts[0].map((value, i) => value + parts[1][i]),
        columns.sums(items, "sum"),
        { relative: 1e-6 },
      );
    });
  });

  test(`attentionColumns, ${build}: rows that see nothing give nothing, missing pages get 0`, async () => {
    const keyPositions = inputs.keyPositions.map((position) => (position === EMPTY ? EMPTY : position + 1000));
    const blind = { ...inputs, keyPositions, positions: Int32Array.of(5000, 999, 1329, 0, 1100) };
    await withScratch(build, 1, shape, (space) => {
      const columns = new Columns(space, shape, blind);
      for (const mode of ["sum", "maximum"] as const)
        expectColumns(columns.sums(columns.items("f32"), mode), columns.reference(mode), float, mode);
      expectClose([total(columns.sums(columns.items("q8"), "sum"))], [3 * 6], { relative: 1e-5 });
      const missing = [0, 1].map((kvHead) => columns.pages.item(kvHead, [0, 0]));
      assert.ok(columns.sums(missing, "sum").every((value) => value === 0));
    });
  });

  test(`attentionColumns, ${build}: with scores up to ±10,000 what a row gives still adds up to 1, within 1e-5`, async () => {
    const sharp = { ...inputs, q: inputs.q.map((value) => value * 1000) };
    await withScratch(build, 1, shape, (space) => {
      const columns = new Columns(space, shape, sharp);
      for (const format of ["f32", "q8"] as const)
        expectClose([total(columns.sums(columns.items(format), "sum"))], [5 * 6], { relative: 1e-5 }, format);
    });
  });
}

// A row at distance d from a key adds to the place that its token and the key's slot give; q8 pages differ by their rounding.
for (const build of builds)
  for (const [format, bound] of [
    ["f32", 1e-5],
    ["q8", 0.02],
  ] as const)
    test(`sums along diagonals, ${build}, ${format} pages: within ${bound} of the columns' weights by distance, in f64`, async () => {
      const shape = shapeOf(64, 3);
      const keys = 5 * 64;
      const inputs = {
        ...randomInputs(shape, keys, 64),
        keyPositions: Int32Array.from({ length: keys }, (_, key) => key),
      };
      const use = (space: KernelSpace) => {
        const columns = new Columns(space, shape, inputs);
        const items = columns.items(format, false).map((item) => {
          const diagonals = space.allocate(diagonalBytes(item.numEntries));
          space.heap.u8.fill(0, diagonals, diagonals + diagonalBytes(item.numEntries));
          return { ...item, partial: space.allocate(columnBytes(item.numEntries)), diagonals };
        });
        attentionColumns(space.team, space.heap, shape, items, {
          itemSpace: space.allocate(itemBytes(items.length)),
          q: space.put(inputs.q),
          positions: space.put(inputs.positions),
          mode: "sum",
        });
        for (const { kvHead, diagonals } of items) {
          const expected = new Float64Array(keys);
          for (let token = 0; token < 64; token++) {
            const one = {
              ...inputs,
              q: inputs.q.slice(token * 6 * 64, (token + 1) * 6 * 64),
              positions: inputs.positions.slice(token, token + 1),
            };
            const zone = { q: one.q, nearest: 0, farthest: 0, keyEnd: 0 };
            const entries = [0, 1, 2, 3, 4].map((page) => ({ page, zone }));
            attentionColumnsReference(one, shape, kvHead, entries, "sum").forEach((weight, key) => {
              if (weight > 0) expected[inputs.positions[token] - key] += weight;
            });
          }
          // Distance d stands at 64 · page + 63 − d of the last page.
          const sums = space.floats(diagonals, keys).reverse();
          expectClose(sums, expected, { absolute: bound * 3 });
        }
      };
      await withTeam(build, 2, use, attentionScratchBytes(shape, 64));
    });
