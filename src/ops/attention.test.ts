import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type BuildName,
  builds,
  expectClose,
  expectSame,
  type KernelSpace,
  Pages,
  withTeam,
} from "../../test/support/kernels.ts";
import { random, randomFloats } from "../../test/support/random.ts";
import {
  type AttentionInputs,
  type AttentionResult,
  attentionReference,
  mergePartialsReference,
} from "./attention.reference.ts";
import { type AttentionShape, attentionScratchBytes } from "./attention.ts";

/** Two KV heads, so that a head that reads the wrong one is found out: with group 3, head 1 reads 0, interleaved it would read 1. */
function shapeOf(headDim: number, group: number, window = 0): AttentionShape {
  return { numHeads: 2 * group, numKvHeads: 2, headDim, scale: 1 / Math.sqrt(headDim), window };
}

/**
 * Keys at positions 0 … keys − 1, the queries at the last `tokens` of them. Queries have a norm of 2·√headDim, so that scores
 * have a deviation of 2, and a mean, so that an offset of all keys of a page shows.
 */
function randomInputs(
  { numHeads, numKvHeads, headDim }: AttentionShape,
  keys: number,
  tokens: number,
): AttentionInputs {
  return {
    k: randomFloats(keys * numKvHeads * headDim, 1),
    v: randomFloats(keys * numKvHeads * headDim, 2),
    keyPositions: Int32Array.from({ length: keys }, (_, key) => key),
    q: randomFloats(tokens * numHeads * headDim, 3, Math.SQRT2).map((value) => value + Math.SQRT2),
    positions: Int32Array.from({ length: tokens }, (_, t) => keys - tokens + t),
  };
}

/** The same keys in another order of slots; the queries stay. */
function reordered(inputs: AttentionInputs, order: readonly number[], rowLength: number): AttentionInputs {
  const rows = (matrix: Float32Array) =>
    Float32Array.from(matrix, (_, i) => matrix[order[Math.floor(i / rowLength)] * rowLength + (i % rowLength)]);
  const keyPositions = Int32Array.from(order, (key) => inputs.keyPositions[key]);
  return { ...inputs, k: rows(inputs.k), v: rows(inputs.v), keyPositions };
}

function shuffled(length: number, seed: number): number[] {
  const next = random(seed);
  const order = Array.from({ length }, (_, i) => ({ i, at: next() }));
  return order.sort((a, b) => a.at - b.at).map(({ i }) => i);
}

/** A team with the scratch that attention asks for. */
function withScratch(
  build: BuildName,
  threads: number,
  shape: AttentionShape,
  { positions }: AttentionInputs,
  use: (space: KernelSpace) => void,
) {
  return withTeam(build, threads, use, attentionScratchBytes(shape, positions.length));
}

/** Every head size, group and number of queries; keys fill their last page by one, exactly, or not at all. */
const cases = [
  { headDim: 64, group: 7, keys: 230, tokens: 100 },
  { headDim: 96, group: 3, keys: 192, tokens: 64 },
  { headDim: 128, group: 1, keys: 193, tokens: 5 },
  { headDim: 256, group: 3, keys: 300, tokens: 1 },
  { headDim: 64, group: 1, keys: 64, tokens: 64 },
  { headDim: 128, group: 7, keys: 130, tokens: 5 },
  { headDim: 256, group: 1, keys: 100, tokens: 100 },
  { headDim: 96, group: 7, keys: 500, tokens: 1 },
];

/** f32 sums of up to 256 products and of all keys, and an exponential within 3e-6. */
const float = { absolute: 1e-5 };
/**
 * A q8 score errs by about 0.025: keys by 4.7/127/√12 a channel (4.7: the range of 64 normal numbers) times a query of
 * size 2, and the folded query by 5.6/127/√12 times a key. Weights err by that share, so an output by 0.025 of what its
 * keys' values differ by, which is four times as much at worst. Values add 2.5/127/√12, weights 1/254 of a page's largest.
 */
const int8 = { absolute: 0.1, mean: 0.01 };
const q8Title = "q8 pages within 0.1, 0.01 on average";

for (const { headDim, group, keys, tokens } of cases)
  for (const window of [0, 70]) {
    const title = `head size ${headDim}, group ${group}, the last ${tokens} of ${keys} keys ask, window ${window}`;
    test(`attention, ${title}: f32 pages within 1e-5, ${q8Title}`, async () => {
      const shape = shapeOf(headDim, group, window);
      const inputs = randomInputs(shape, keys, tokens);
      const expected = attentionReference(inputs, shape).out;
      for (const build of builds)
        await withScratch(build, 1, shape, inputs, (space) => {
          const pages = new Pages(space, shape, inputs);
          expectClose(pages.attend(pages.byOwnPage("f32")), expected, float, `${build} f32`);
          expectClose(pages.attend(pages.together("f32")), expected, float, `${build} f32, all queries together`);
          expectClose(pages.attend(pages.byOwnPage("q8")), expected, int8, `${build} q8`);
          expectClose(pages.attend(pages.together("q8")), expected, int8, `${build} q8, all queries together`);
          expectClose(pages.attend(pages.byOwnPage("mixed")), expected, int8, `${build} mixed`);
        });
    });
  }

for (const build of builds) {
  const shape = shapeOf(64, 3);
  const inputs = randomInputs(shape, 330, 5);
  const reference = attentionReference(inputs, shape);
  const all = [0, 1, 2, 3, 4, 5];

  test(`attention, ${build}: two threads give the same bits as one`, async () => {
    const results: Float32Array[] = [];
    const chunk = randomInputs(shape, 330, 200);
    for (const threads of [1, 2])
      await withScratch(build, threads, shape, chunk, (space) => {
        const pages = new Pages(space, shape, chunk);
        results.push(pages.attend(pages.byOwnPage("q8")));
      });
    expectSame(results[1], results[0]);
  });

  test(`appendKv, ${build}: keys that come in several runs leave the same bits as in one`, async () => {
    await withScratch(build, 2, shape, inputs, (space) => {
      const once = new Pages(space, shape, inputs);
      for (const runs of [
        [64, 64, 64, 64, 64, 10],
        [1, 62, 2, 63, 65, 137],
      ]) {
        const often = new Pages(space, shape, inputs, runs);
        for (const format of ["f32", "q8"] as const)
          expectSame(often.attend(often.together(format)), once.attend(once.together(format)), `${runs} ${format}`);
      }
    });
  });

  // What Qwen2.5's key bias does: it is in the mean of a (page, channel), so the steps stay small. One scale a key would err by 0.4.
  test(`attention, ${build}: key channels off by ±100: f32 pages within 1e-4, ${q8Title}`, async () => {
    const biased = { ...inputs, k: inputs.k.map((value, i) => value + ([100, -100, 0, 60][i % 64] ?? 0)) };
    await withScratch(build, 1, shape, biased, (space) => {
      const pages = new Pages(space, shape, biased);
      const expected = attentionReference(biased, shape).out;
      expectClose(pages.attend(pages.together("f32")), expected, { absolute: 1e-4 }, "f32"); // scores up to 100: 2^-17
      expectClose(pages.attend(pages.together("q8")), expected, int8, "q8");
    });
  });

  test(`attention, ${build}: a tail of 960 keys with e^-6 of the first one's weight keeps its share, within 0.05 in q8 pages`, async () => {
    const keys = randomInputs(shape, 1024, 1);
    const tail: AttentionInputs = {
      ...keys,
      k: keys.k.map((_, i) => (i < 128 ? 1 : 0.25)),
      v: keys.v.map((_, i) => (i < 128 ? 0 : 1)),
      q: new Float32Array(shape.numHeads * 64).fill(1),
    };
    await withScratch(build, 1, shape, tail, (space) => {
      const pages = new Pages(space, shape, tail);
      const expected = attentionReference(tail, shape).out; // 0.72
      expectClose(pages.attend(pages.together("f32")), expected, float, "f32");
      expectClose(pages.attend(pages.together("q8")), expected, { absolute: 0.05 }, "q8"); // the first page's own tail
    });
  });

  test(`sealPages, ${build}: equal keys and values come back within 1e-6, zeros as zeros`, async () => {
    for (const value of [0, -3.7]) {
      const equal = { ...inputs, k: inputs.k.map(() => 1.3), v: inputs.v.map(() => value) };
      await withScratch(build, 1, shape, equal, (space) => {
        const pages = new Pages(space, shape, equal);
        const expected = new Float32Array(inputs.q.length).fill(value);
        expectClose(pages.attend(pages.together("q8", [0, 1])), expected, { relative: 1e-6 }, `${value}`);
      });
    }
  });

  test(`attention, ${build}: any order of pages and of slots gives the same within 1e-5; q8 pages keep it if slots stay in their page`, async () => {
    await withScratch(build, 1, shape, inputs, (space) => {
      const pages = new Pages(space, shape, inputs);
      for (const format of ["f32", "q8"] as const)
        expectClose(
          pages.attend(pages.together(format, [3, 5, 0, 4, 1, 2])),
          pages.attend(pages.together(format)),
          float,
          format,
        );
      const anywhere = new Pages(space, shape, reordered(inputs, shuffled(330, 1), 128));
      expectClose(anywhere.attend(anywhere.together("f32")), reference.out, float, "slots anywhere");
      const within = shuffled(330, 2).sort((a, b) => (a >> 6) - (b >> 6));
      const inPage = new Pages(space, shape, reordered(inputs, within, 128));
      expectClose(
        inPage.attend(inPage.together("q8")),
        pages.attend(pages.together("q8")),
        float,
        "slots in their page",
      );
    });
  });

  test(`mergePartials, ${build}: within 1e-5 of the reference's merge and of one pass, for any split of the pages (fast-check)`, async () => {
    await withScratch(build, 2, shape, inputs, (space) => {
      const pages = new Pages(space, shape, inputs);
      const onePass = { f32: pages.attend(pages.together("f32")), q8: pages.attend(pages.together("q8")) };
      const parts = all.map((n) => {
        const keys = Array.from({ length: Math.min(64, 330 - 64 * n) }, (_, slot) => 64 * n + slot);
        return attentionReference(reordered(inputs, keys, 128), shape);
      });
      const merged: AttentionResult = mergePartialsReference(parts, 64);
      expectClose(merged.out, reference.out, { absolute: 1e-12 }, "the reference itself");
      const splits = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: all.length, maxLength: all.length });
      const anySplit = fc.property(splits, fc.constantFrom("f32" as const, "q8" as const), (partOf, format) => {
        const lists = [0, 1, 2, 3].map((part) => all.filter((n) => partOf[n] === part)); // some may be empty
        const result = pages.attendInParts(lists, format);
        expectClose(result, onePass[format], float, `${format} ${partOf}`);
        if (format === "f32") expectClose(result, merged.out, float, `reference ${partOf}`);
      });
      fc.assert(anySplit, { numRuns: 40 });
    });
  });

  test(`attention, ${build}: empty entries and pages of other times change no bit`, async () => {
    const windowed = { ...shape, window: 70 };
    await withScratch(build, 1, windowed, inputs, (space) => {
      const pages = new Pages(space, windowed, inputs);
      for (const format of ["f32", "q8"] as const) {
        const lists = [0, 1].map((kvHead) => [3, 4, 5].map((n) => pages.entry(kvHead, n, format)));
        const plain = pages.attend(lists.map((list, kvHead) => pages.item(kvHead, list)));
        const holes = lists.map((list, kvHead) =>
          pages.item(
            kvHead,
            list.flatMap((entry) => [0, entry, 0]),
          ),
        );
        expectSame(pages.attend(holes), plain, `${format}, empty entries`);
        expectSame(pages.attend(pages.together(format)), plain, `${format}, pages before the window`);
      }
    });
  });

  test(`attention, ${build}: a query that sees no key gives exactly 0, beside queries that do and after a merge`, async () => {
    const keyPositions = inputs.keyPositions.map((position) => position + 1000);
    const blind = { ...inputs, keyPositions, positions: Int32Array.of(5000, 999, 1329, 0, 1100) };
    const expected = attentionReference(blind, shape).out;
    await withScratch(build, 1, shape, blind, (space) => {
      const pages = new Pages(space, shape, blind);
      const rowOf = (result: Float32Array, token: number) => result.subarray(token * 6 * 64, (token + 1) * 6 * 64);
      for (const [result, tolerance] of [
        [pages.attend(pages.together("f32")), float],
        [pages.attend(pages.together("q8")), int8],
        [pages.attendInParts([[0, 1], [], [2, 3, 4, 5]], "f32"), float],
        [pages.attendInParts([[0, 1], [], [2, 3, 4, 5]], "q8"), int8],
      ] as const) {
        expectClose(result, expected, tolerance);
        for (const token of [1, 3])
          assert.ok(
            rowOf(result, token).every((value) => value === 0),
            `query ${token}`,
          );
      }
      const nothing = pages.attend([0, 1].map((kvHead) => pages.item(kvHead, [])));
      assert.ok(
        nothing.every((value) => value === 0),
        "no pages at all",
      );
    });
  });

  test(`attention, ${build}: positions up to 2^31 - 2 give the same bits as small ones, with and without a window`, async () => {
    for (const window of [0, 70]) {
      const windowed = { ...shape, window };
      await withScratch(build, 1, windowed, inputs, (space) => {
        const results = [0, 2 ** 20, 2 ** 24 + 1, 2 ** 31 - 331].map((base) => {
          const [keyPositions, positions] = [inputs.keyPositions, inputs.positions].map((p) => p.map((x) => x + base));
          const pages = new Pages(space, windowed, { ...inputs, keyPositions, positions });
          return pages.attend(pages.byOwnPage("q8"));
        });
        for (const result of results) expectSame(result, results[0], `window ${window}`);
      });
    }
  });

  // A score of 10,000 in f32 errs by 2^-11 or so, and with it the share of two keys that are about as good.
  test(`attention, ${build}: scores up to ±10,000 neither overflow nor lose the best key, f32 pages within 1e-3`, async () => {
    const sharp = { ...inputs, q: inputs.q.map((value) => value * 1000) };
    await withScratch(build, 1, shape, sharp, (space) => {
      const pages = new Pages(space, shape, sharp);
      expectClose(pages.attend(pages.together("f32")), attentionReference(sharp, shape).out, { absolute: 1e-3 });
    });
  });
}
