import assert from "node:assert/strict";
import { test } from "node:test";
import { builds, expectClose, expectSame, type KernelSpace, withTeam } from "../../test/support/kernels.ts";
import { randomFloats } from "../../test/support/random.ts";
import { outerProductsReference, projectedNormsReference } from "./projection.reference.ts";
import { addOuterProducts, projectedNorms } from "./projection.ts";

/** Vectors that fill their blocks of 16 by one, exactly, or not at all; rows even and odd. */
const projections = [
  { headDim: 16, count: 33, rows: 1 },
  { headDim: 20, count: 1, rows: 6 },
  { headDim: 64, count: 64, rows: 131 },
  { headDim: 128, count: 100, rows: 64 },
  { headDim: 256, count: 5, rows: 7 },
];

/** Head sizes, and queries that come in one run of 8, in several, and with one left over. */
const products = [
  { headDim: 16, heads: 2, tokens: 1 },
  { headDim: 20, heads: 3, tokens: 17 },
  { headDim: 64, heads: 7, tokens: 64 },
  { headDim: 128, heads: 2, tokens: 5 },
  { headDim: 256, heads: 1, tokens: 8 },
];

for (const build of builds) {
  // A product of up to 256 terms errs by some 2^-24 of its size of about √headDim; with one row it may itself be near 0.
  test(`projectedNorms, ${build}: within 1e-6 of the reference, relative, plus 1e-5 (power 1) or 1e-4 (power 2)`, async () => {
    await withTeam(build, 2, (space) => {
      for (const { headDim, count, rows } of projections)
        for (const power of [1, 2] as const) {
          const x = randomFloats(count * headDim, 1);
          const matrix = randomFloats(rows * headDim, 2);
          const expected = projectedNormsReference(x, matrix, headDim, power);
          const tolerance = { relative: 1e-6, absolute: power === 1 ? 1e-5 : 1e-4 };
          const title = `${count} vectors of ${headDim}, ${rows} rows, power ${power}`;
          expectClose(project(space, x, matrix, headDim, power), expected, tolerance, title);
        }
    });
  });

  test(`projectedNorms, ${build}: a vector's result is the same bit for bit alone and among others`, async () => {
    await withTeam(build, 2, (space) => {
      const [x, matrix] = [randomFloats(40 * 64, 1), randomFloats(9 * 64, 2)];
      const together = project(space, x, matrix, 64, 2);
      for (const vector of [0, 7, 15, 16, 39])
        expectSame(
          project(space, x.subarray(vector * 64, (vector + 1) * 64), matrix, 64, 2),
          together.subarray(vector, vector + 1),
          `vector ${vector}`,
        );
    });
  });

  test(`addOuterProducts, ${build}: sums and upper triangles are those of the definition, bit for bit, from any first token`, async () => {
    await withTeam(build, 2, (space) => {
      for (const { headDim, heads, tokens } of products)
        for (const first of [0, 4]) {
          const q = randomFloats(tokens * heads * headDim, 1).map((value) => value + 1);
          const expected = outerProductsReference(q, heads, headDim, first);
          const title = `${tokens} tokens from ${first}, ${heads} heads of ${headDim}`;
          expectEqual(statistics(space, q, heads, headDim, [[0, tokens]], first), expected, headDim, title);
        }
    });
  });

  test(`addOuterProducts, ${build}: the same bit for bit however tokens are cut into calls, on one thread or two`, async () => {
    const [heads, headDim, tokens] = [3, 64, 61];
    const q = randomFloats(tokens * heads * headDim, 1, 100);
    const expected = outerProductsReference(q, heads, headDim, 4);
    for (const threads of [1, 2])
      await withTeam(build, threads, (space) => {
        for (const cuts of [[61], [1, 2, 3, 5, 50], [8, 8, 45], [3, 1, 57], Array(61).fill(1)]) {
          let begin = 0;
          const pieces = cuts.map((length) => {
            begin += length;
            return [begin - length, begin] as const;
          });
          expectEqual(statistics(space, q, heads, headDim, pieces, 4), expected, headDim, `${cuts}`);
        }
      });
  });
}

function project(space: KernelSpace, x: Float32Array, matrix: Float32Array, headDim: number, power: 1 | 2) {
  const [count, rows] = [x.length / headDim, matrix.length / headDim];
  const out = space.put(new Float32Array(count + 16).fill(Number.NaN));
  projectedNorms(space.team, { x: space.put(x), count, headDim, matrix: space.put(matrix), rows, power, out });
  assert.ok(space.floats(out + 4 * count, 16).every(Number.isNaN), "written past the last vector");
  return space.floats(out, count);
}

/** What calls with the tokens of each piece [begin, end) leave, of which the first `first` of all do not count. */
function statistics(
  space: KernelSpace,
  q: Float32Array,
  heads: number,
  headDim: number,
  pieces: readonly (readonly [number, number])[],
  first: number,
) {
  const [sums, products] = [heads * headDim, heads * headDim * headDim].map((numbers) => space.allocate(8 * numbers));
  const row = heads * headDim;
  for (const [begin, end] of pieces) {
    const shape = { heads, headDim, sums, products };
    const part = space.put(q.subarray(begin * row, end * row));
    addOuterProducts(space.team, { ...shape, q: part, tokens: end - begin, first: Math.max(0, first - begin) });
  }
  const doubles = (address: number, length: number) =>
    new Float64Array(space.heap.memory.buffer, address, length).slice();
  return { sums: doubles(sums, row), products: doubles(products, row * headDim) };
}

type Statistics = ReturnType<typeof outerProductsReference>;

function expectEqual(actual: Statistics, expected: Statistics, headDim: number, what: string): void {
  assert.deepEqual(actual.sums, expected.sums, `${what}: sums`);
  const isUpper = (_: number, at: number) => at % headDim >= Math.floor(at / headDim) % headDim;
  assert.deepEqual(actual.products.filter(isUpper), expected.products.filter(isUpper), `${what}: products`);
}
