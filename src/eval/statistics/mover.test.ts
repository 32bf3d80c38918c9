import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { meanOfEstimates, weightedSum } from "./mover.ts";
import { wilson } from "./wilson.ts";

const close = (got: number, expected: number, bound: number) => {
  assert.ok(Math.abs(got - expected) <= bound, `expected ${expected} ± ${bound}, got ${got}`);
};

test("a mean of 13 equal tasks is √13 times surer than one, to 1e-12, on each side by itself", () => {
  const cell = { value: 0.8, interval: wilson(0.8, 25) };
  const { value, interval } = meanOfEstimates(Array.from({ length: 13 }, () => cell));
  close(value, 0.8, 1e-12);
  close(interval.low, 0.8 - (0.8 - cell.interval.low) / Math.sqrt(13), 1e-12);
  close(interval.high, 0.8 + (cell.interval.high - 0.8) / Math.sqrt(13), 1e-12);
});

test("half widths over 13 tasks at 80 % are 6.9, 4.4, 3.1, 2.2, 1.0 points for n = 10, 25, 50, 100, 500, to a tenth", () => {
  // Σ Var / T² of normal theory, worked out by hand; Wilson's intervals are shorter for few samples, hence the bound.
  for (const [n, points] of [
    [10, 6.9],
    [25, 4.4],
    [50, 3.1],
    [100, 2.2],
    [500, 1.0],
  ]) {
    const cells = Array.from({ length: 13 }, () => ({ value: 0.8, interval: wilson(0.8, n) }));
    const { low, high } = meanOfEstimates(cells).interval;
    close(50 * (high - low), points, points / 10);
  }
});

test("a negative weight takes the other end: by hand, 0.9 - 0.5 · 0.8", () => {
  const { value, interval } = weightedSum([
    { weight: 1, value: 0.9, interval: { low: 0.86, high: 0.92 } },
    { weight: -0.5, value: 0.8, interval: { low: 0.7, high: 0.86 } },
  ]);
  close(value, 0.5, 1e-12);
  close(interval.low, 0.5 - Math.hypot(0.04, 0.03), 1e-12);
  close(interval.high, 0.5 + Math.hypot(0.02, 0.05), 1e-12);
});

test("a mean of shares keeps its interval within 0 to 1", () => {
  const cell = fc
    .tuple(fc.integer({ min: 1, max: 50 }), fc.double({ min: 0, max: 1, noNaN: true }))
    .map(([n, share]) => ({ value: share, interval: wilson(share, n) }));
  fc.assert(
    fc.property(fc.array(cell, { minLength: 1, maxLength: 13 }), (cells) => {
      const { value, interval } = meanOfEstimates(cells);
      assert.ok(
        -1e-12 <= interval.low && interval.low <= value && value <= interval.high && interval.high <= 1 + 1e-12,
      );
    }),
  );
});
