import assert from "node:assert/strict";
import { test } from "node:test";
import { builds, expectClose, expectSame, type KernelSpace, Pages, withTeam } from "../../test/support/kernels.ts";
import { randomFloats } from "../../test/support/random.ts";
import { type AttentionInputs, attentionReference } from "./attention.reference.ts";
import { type AttentionShape, attentionScratchBytes, FLOAT_PAGE, floatPageBytes, LOW_BIT_PAGE } from "./attention.ts";
import { lowPageReference, rotateReference } from "./page-low.reference.ts";
import {
  type CodeBits,
  entryFlags,
  type LowBitFormat,
  type PageFormat,
  pageBytes,
  sealPagesAs,
  unpackPages,
} from "./page-low.ts";

const EMPTY = 0x7fffffff;

/** Every layout, written keys|values. */
function formatsOf(keys: CodeBits, values: CodeBits): Record<string, LowBitFormat> {
  const format = (k: LowBitFormat["keys"]["by"], v: LowBitFormat["values"]["by"]): LowBitFormat => {
    return { keys: { bits: keys, by: k }, values: { bits: values, by: v } };
  };
  return {
    "channel|channel": format("channel", "channel"),
    "channel|token": format("channel", "token"),
    "rotated-token|channel": format("rotated-token", "channel"),
    "rotated-token|token": format("rotated-token", "token"),
  };
}

function shapeOf(headDim: number): AttentionShape {
  return { numHeads: 6, numKvHeads: 2, headDim, scale: 1 / Math.sqrt(headDim), window: 0 };
}

/** Channels of keys with sizes and offsets of their own, and values with heavy tails; the last 5 tokens ask. */
function randomInputs({ numHeads, numKvHeads, headDim }: AttentionShape, keys = 192, tokens = 5): AttentionInputs {
  const size = keys * numKvHeads * headDim;
  const offsets = randomFloats(numKvHeads * headDim, 4, 3);
  const tails = randomFloats(size, 5);
  return {
    k: randomFloats(size, 1).map((x, i) => x * (i % 7 === 0 ? 2 : 0.7) + offsets[i % offsets.length]),
    v: randomFloats(size, 2).map((x, i) => x * tails[i] * (i % 11 === 0 ? 2 : 0.5) + (i % 5 === 0 ? 1 : 0)),
    keyPositions: Int32Array.from({ length: keys }, (_, key) => key),
    q: randomFloats(tokens * numHeads * headDim, 3, 0.5),
    positions: Int32Array.from({ length: tokens }, (_, t) => keys - tokens + t),
  };
}

/** Pages of a low-bit format beside the f32 pages they were made from. */
class LowPages extends Pages {
  readonly low: number[][];

  constructor(space: KernelSpace, shape: AttentionShape, inputs: AttentionInputs, format: LowBitFormat) {
    super(space, shape, inputs);
    this.low = this.reseal(format);
  }

  /** Entries of low-bit copies of the f32 pages as they are now. */
  reseal(format: LowBitFormat): number[][] {
    const { space, shape, float } = this;
    const low = float.map((pages) => pages.map(() => space.allocate(pageBytes(format, shape.headDim))));
    const pairs = low.flatMap((pages, head) => pages.flatMap((to, n) => [float[head][n], to]));
    sealPagesAs(space.team, shape.headDim, format, space.put(Uint32Array.from(pairs)), pairs.length / 2);
    return low.map((pages) => pages.map((page) => page + entryFlags(format)));
  }

  /** f32 pages with what the low-bit ones hold. */
  unpacked(): number[][] {
    const { space, shape, low } = this;
    const to = low.map((pages) => pages.map(() => space.allocate(floatPageBytes(shape.headDim))));
    const pairs = low.flatMap((pages, head) => pages.flatMap((from, n) => [from, to[head][n]]));
    unpackPages(space.team, shape.headDim, space.put(Uint32Array.from(pairs)), pairs.length / 2);
    return to;
  }

  attendTo(pages: readonly (readonly number[])[]): Float32Array {
    return this.attend(pages.map((entries, kvHead) => this.item(kvHead, entries)));
  }

  /** Keys and values of an f32 page, [64][headDim] both. */
  contents(page: number): { positions: Int32Array; keys: Float32Array; values: Float32Array } {
    const { headDim } = this.shape;
    const { heap } = this.space;
    const keys = heap.floats(page + 256, 64 * headDim);
    return {
      positions: heap.ints(page, 64).slice(),
      keys: Float32Array.from(keys, (_, i) => keys[(i % headDim) * 64 + Math.floor(i / headDim)]),
      values: heap.floats(page + 256 + headDim * 256, 64 * headDim).slice(),
    };
  }

  /** What attention should give if keys and values were those of these f32 pages. */
  expected(pages: readonly (readonly number[])[]): Float64Array {
    const { shape, inputs } = this;
    const { headDim, numKvHeads } = shape;
    const [k, v] = [inputs.k, inputs.v].map((x) => new Float32Array(x.length));
    pages.forEach((list, head) => {
      list.forEach((page, n) => {
        const { keys, values } = this.contents(page);
        for (let slot = 0; slot < 64; slot++) {
          const to = ((n * 64 + slot) * numKvHeads + head) * headDim;
          k.set(keys.subarray(slot * headDim, (slot + 1) * headDim), to);
          v.set(values.subarray(slot * headDim, (slot + 1) * headDim), to);
        }
      });
    });
    return attentionReference({ ...inputs, k, v }, shape).out;
  }
}

function withPages(build: (typeof builds)[number], headDim: number, use: (space: KernelSpace) => void, threads = 1) {
  return withTeam(build, threads, use, attentionScratchBytes(shapeOf(headDim), 64));
}

const bitWidthsOf: ReadonlyMap<number, readonly CodeBits[]> = new Map([
  [64, [2, 3, 4, 8]],
  [96, [3]],
  [128, [2, 4]],
  [256, [3, 8]],
]);

for (const [headDim, bitWidths] of bitWidthsOf)
  test(`low-bit pages, head size ${headDim}: every number off by half a step at most, as the reference up to ties`, async () => {
    const shape = shapeOf(headDim);
    const inputs = randomInputs(shape, 64);
    const cases = bitWidths.flatMap((bits) => Object.entries(formatsOf(bits, bits)));
    const firstHead = (x: Float32Array) => x.filter((_, i) => i % (2 * headDim) < headDim);
    const exact = { keys: firstHead(inputs.k), values: firstHead(inputs.v) };
    const turnedKeys = rotateReference(exact.keys, headDim);
    const references = cases.map(([, format]) => lowPageReference(exact.keys, exact.values, headDim, format));
    for (const build of builds)
      await withPages(build, headDim, (space) => {
        cases.forEach(([layout, format], i) => {
          const pages = new LowPages(space, shape, inputs, format);
          const found = pages.contents(pages.unpacked()[0][0]);
          assert.deepEqual(found.positions, inputs.keyPositions);
          const what = `${build}, ${layout}, ${format.keys.bits} bits`;
          const isRotated = format.keys.by === "rotated-token";
          const keys = isRotated ? rotateReference(found.keys, headDim) : found.keys;
          expectHalfStep(keys, isRotated ? turnedKeys : exact.keys, references[i].keys.steps, `${what}: keys`);
          expectHalfStep(found.values, exact.values, references[i].values.steps, `${what}: values`);
          expectMostlySame(found.keys, references[i].keys.values, isRotated, `${what}: keys`);
          expectMostlySame(found.values, references[i].values.values, false, `${what}: values`);
        });
      });
  });

/** f32 sums, and products of f16 steps: 2^-20 of the largest numbers, which are below 20. */
const ROUNDING = 2e-5;

function expectHalfStep(
  found: ArrayLike<number>,
  exact: ArrayLike<number>,
  steps: ArrayLike<number>,
  what: string,
): void {
  for (let i = 0; i < exact.length; i++) {
    const error = Math.abs(found[i] - exact[i]);
    assert.ok(error <= steps[i] / 2 + ROUNDING, `${what} ${i}: off by ${error}, half a step is ${steps[i] / 2}`);
  }
}

/** A number half way between two codes may go either way; where vectors are turned, that moves all of a vector. */
function expectMostlySame(found: Float32Array, expected: Float64Array, isRotated: boolean, what: string): void {
  const different = expected.filter((value, i) => Math.abs(found[i] - value) > 2 * ROUNDING).length;
  const most = expected.length / (isRotated ? 20 : 1000);
  assert.ok(different <= most, `${what}: ${different} of ${expected.length} differ from the reference`);
}

const int8 = { absolute: 0.02, mean: 0.002 };

/**
 * Against attention over what the pages hold: f32 arithmetic where keys and values are unpacked to f32; else what the int8 kernels add:
 * queries of 8 bits against keys that spread like theirs (attention.test.ts), weights in 1/254 of a page's largest times values.
 */
for (const build of builds)
  for (const headDim of [64, 128, 256])
    test(`attention over low-bit pages, ${build}, head size ${headDim}: as over what they hold, turned keys within 2e-5, others within 0.02, 0.002 on average`, async () => {
      const shape = shapeOf(headDim);
      const inputs = randomInputs(shape, 128, 3);
      await withPages(build, headDim, (space) => {
        const bitPairs = [
          [8, 4],
          [2, 8],
          [3, 3],
          [4, 2],
        ] as const;
        for (const [keyBits, valueBits] of bitPairs)
          for (const [layout, format] of Object.entries(formatsOf(keyBits, valueBits))) {
            const pages = new LowPages(space, shape, inputs, format);
            const unpacked = pages.unpacked();
            const isFloat = format.keys.by === "rotated-token";
            const bound = isFloat ? { absolute: 2e-5 } : int8;
            const what = `${layout}, ${keyBits} and ${valueBits} bits`;
            expectClose(pages.attendTo(pages.low), pages.expected(unpacked), bound, what);
          }
      });
    });

for (const build of builds) {
  const shape = shapeOf(64);
  const inputs = randomInputs(shape);
  const layouts = Object.entries(formatsOf(3, 3));

  test(`low-bit pages, ${build}: keys of 8 bits give what exact pages give, turned or not, within 0.02, 0.002 on average`, async () => {
    await withPages(build, 64, (space) => {
      for (const [layout, format] of Object.entries(formatsOf(8, 8))) {
        const pages = new LowPages(space, shape, inputs, format);
        const expected = pages.expected(pages.float);
        expectClose(pages.attendTo(pages.low), expected, int8, layout);
      }
    });
  });

  test(`low-bit pages, ${build}: empty slots are not seen and do not widen a scale, not even with infinite contents`, async () => {
    await withPages(build, 64, (space) => {
      const { heap } = space;
      for (const [layout, format] of layouts) {
        const pages = new LowPages(space, shape, inputs, format);
        const before = pages.low;
        const isEmpty = (slot: number) => slot % 3 === 1;
        for (const page of pages.float.flat())
          for (let slot = 0; slot < 64; slot++)
            if (isEmpty(slot)) {
              heap.ints(page, 64)[slot] = EMPTY;
              for (let c = 0; c < 64; c++) {
                heap.f32[(page + 256) / 4 + c * 64 + slot] = Number.NaN;
                heap.f32[(page + 256 + 64 * 256) / 4 + slot * 64 + c] = Infinity;
              }
            }
        const masked = pages.reseal(format);
        // Slots that stay, with the scales they have alone: those of a page in which the empty ones repeat a neighbour.
        const found = pages.attendTo(masked);
        for (const page of pages.float.flat())
          for (let slot = 0; slot < 64; slot++)
            if (isEmpty(slot))
              for (let c = 0; c < 64; c++) {
                const keys = (page + 256) / 4 + c * 64;
                heap.f32[keys + slot] = heap.f32[keys + slot - 1];
                const values = (page + 256 + 64 * 256) / 4 + c;
                heap.f32[values + slot * 64] = heap.f32[values + (slot - 1) * 64];
                heap.ints(page, 64)[slot] = 0;
              }
        const repeated = pages.reseal(format);
        for (const page of repeated.flat())
          for (let slot = 0; slot < 64; slot++) if (isEmpty(slot)) heap.ints(page - LOW_BIT_PAGE, 64)[slot] = EMPTY;
        expectSame(found, pages.attendTo(repeated), layout);
        assert.notDeepEqual(found, pages.attendTo(before), layout);
      }
    });
  });

  test(`low-bit pages, ${build}: equal numbers and zeros come back within an f16's 2^-11, in pages with no slot as zeros`, async () => {
    await withPages(build, 64, (space) => {
      for (const [layout, format] of layouts)
        for (const value of [0, -3.7]) {
          const pages = new LowPages(space, shape, { ...inputs, v: inputs.v.map(() => value) }, format);
          const expected = new Float32Array(inputs.q.length).fill(value);
          expectClose(pages.attendTo(pages.low), expected, { relative: 2 ** -11 }, `${layout} ${value}`);
          for (const page of pages.float.flat()) space.heap.ints(page, 64).fill(EMPTY);
          const nothing = pages.attendTo(pages.reseal(format));
          assert.ok(
            nothing.every((x) => x === 0),
            layout,
          );
        }
    });
  });

  test(`low-bit pages, ${build}: beside q8 and f32 pages of one item, and in any order, within 0.02, 0.002 on average`, async () => {
    await withPages(build, 64, (space) => {
      for (const [layout, format] of layouts) {
        const pages = new LowPages(space, shape, inputs, format);
        const unpacked = pages.unpacked();
        const mixed = pages.low.map((low, head) => [pages.float[head][2] | FLOAT_PAGE, pages.sealed[head][0], low[1]]);
        const held = pages.float.map((float, head) => [float[0], unpacked[head][1], float[2]]);
        expectClose(pages.attendTo(mixed), pages.expected(held), int8, layout);
      }
    });
  });

  test(`low-bit pages, ${build}: two threads give the same bits as one`, async () => {
    const results = [1, 2].map((): Float32Array[] => []);
    for (const threads of [1, 2])
      await withPages(
        build,
        64,
        (space) => {
          for (const [, format] of layouts) {
            const pages = new LowPages(space, shape, inputs, format);
            results[threads - 1].push(pages.attendTo(pages.low));
          }
        },
        threads,
      );
    layouts.forEach(([layout], i) => {
      expectSame(results[1][i], results[0][i], layout);
    });
  });
}

test("a page of 64 slots with heads of 64 takes the bytes that its format says: codes, scales, positions, and their rounding to 64", () => {
  const bytes = (format: PageFormat) => pageBytes(format, 64);
  const { "channel|channel": plain, "channel|token": kivi } = formatsOf(2, 2);
  assert.equal(bytes("f32"), 256 + 2 * 64 * 64 * 4);
  assert.equal(bytes("q8"), 256 + 64 * 12 + 2 * 64 * 64);
  assert.equal(bytes(plain), 320 + 2 * 256 + 2 * 1024);
  assert.equal(bytes(kivi), 320 + 256 + 512 + 2 * 1024);
});
