import assert from "node:assert/strict";
import { test } from "node:test";
import { plainRotary } from "../../../../test/support/layer-view.ts";
import { randomFloats } from "../../../../test/support/random.ts";
import { averageRotation, rotate, rotateVariance } from "./average-rotation.ts";
import { choleskyRows } from "./cholesky.ts";

const vector = () => Float64Array.from(randomFloats(8, 1));

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, bound: number): void {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < actual.length; i++)
    assert.ok(Math.abs(actual[i] - expected[i]) <= bound, `${i}: ${actual[i]}, expected ${expected[i]}`);
}

/** By the definition: pair (a, b) as a complex number times factor · e^(i p f). */
function turned(
  x: Float64Array,
  position: number,
  pairs: readonly [number, number, number][],
  factor: number,
): Float64Array {
  const result = Float64Array.from(x);
  for (const [a, b, frequency] of pairs) {
    const angle = position * frequency;
    result[a] = factor * (x[a] * Math.cos(angle) - x[b] * Math.sin(angle));
    result[b] = factor * (x[b] * Math.cos(angle) + x[a] * Math.sin(angle));
  }
  return result;
}

test("over one position it is the rotation at that position within 1e-15: halves, neighbours, and a part of the head", () => {
  const inverse = Float64Array.of(1, 0.1, 0.01);
  const cases = [
    {
      interleaved: false,
      pairs: [
        [0, 3, 1],
        [1, 4, 0.1],
        [2, 5, 0.01],
      ],
    },
    {
      interleaved: true,
      pairs: [
        [0, 1, 1],
        [2, 3, 0.1],
        [4, 5, 0.01],
      ],
    },
  ] as { interleaved: boolean; pairs: [number, number, number][] }[];
  for (const { interleaved, pairs } of cases) {
    const x = vector();
    rotate(averageRotation({ dimensions: 6, inverse, attentionFactor: 1.25, interleaved }, 331, 1), x);
    assertClose(x, turned(vector(), 331, pairs, 1.25), 1e-15);
    assert.deepEqual(x.subarray(6), vector().subarray(6));
  }
});

test("over many positions it is the mean of their rotations within 1e-13, from the first on", () => {
  const sum = new Float64Array(8);
  const rotary = plainRotary(8, 100);
  const pairs = Array.from(rotary.inverse, (frequency, m): [number, number, number] => [m, m + 4, frequency]);
  for (let position = 50; position < 62; position++)
    turned(vector(), position, pairs, 1).forEach((value, c) => {
      sum[c] += value / 12;
    });
  const x = vector();
  rotate(averageRotation(rotary, 50, 12), x);
  assertClose(x, sum, 1e-13);
});

test("a turned variance is the diagonal of the turned covariance within 1e-13", () => {
  const rotation = averageRotation(plainRotary(8, 100), 7, 3);
  const variance = Float64Array.from({ length: 8 }, (_, c) => c + 1);
  const diagonal = new Float64Array(8);
  // R̄ diag(v) R̄ᵀ = Σ_c v_c (R̄e_c)(R̄e_c)ᵀ
  for (let c = 0; c < 8; c++) {
    const column = new Float64Array(8);
    column[c] = 1;
    rotate(rotation, column);
    column.forEach((value, row) => {
      diagonal[row] += variance[c] * value ** 2;
    });
  }
  rotateVariance(rotation, variance);
  assertClose(variance, diagonal, 1e-13);
});

test("cholesky: rowsᵀ·rows is the covariance within 1e-9, with fewer samples than dimensions and of nothing too", () => {
  for (const samples of [0, 1, 3, 8, 40]) {
    const covariance = new Float64Array(64);
    for (let sample = 0; sample < samples; sample++) {
      const x = randomFloats(8, 10 + sample);
      for (let at = 0; at < 64; at++) covariance[at] += x[at >> 3] * x[at & 7];
    }
    const product = new Float64Array(64);
    for (const row of choleskyRows(covariance, 8))
      for (let at = 0; at < 64; at++) product[at] += row[at >> 3] * row[at & 7];
    assertClose(product, covariance, 1e-9);
  }
});
