import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { budgetHoldsAll, mostPromising } from "./most-promising.ts";

const options = { budget: 512, denseLayers: 2, every: 4, sinks: 64, window: 128 };

test("the budget is full: ends first, then the pages nearest to some row's best, in the order of the text", () =>
  fc.assert(
    fc.property(
      fc.integer({ min: 9, max: 40 }),
      fc.integer({ min: 1, max: 7 }),
      fc.infiniteStream(fc.float({ min: -20, max: 20, noNaN: true })),
      (pages, rows, stream) => {
        const scores = Float32Array.from({ length: rows * pages }, () => stream.next().value as number);
        const seen = mostPromising(options, { layer: 5, pages, scores });
        assert.equal(seen.length, 8);
        assert.deepEqual(
          seen,
          [...new Set(seen)].sort((a, b) => a - b),
        );
        for (const n of [0, pages - 2, pages - 1]) assert.ok(seen.includes(n));
        const worthOf = (n: number) =>
          Math.max(
            ...Array.from({ length: rows }, (_, r) => {
              const row = scores.subarray(r * pages, (r + 1) * pages);
              return Math.fround(row[n] - Math.max(...row));
            }),
          );
        const middle = Array.from({ length: pages - 3 }, (_, i) => i + 1);
        const least = Math.min(...middle.filter((n) => seen.includes(n)).map(worthOf));
        for (const n of middle) if (!seen.includes(n)) assert.ok(worthOf(n) <= least);
      },
    ),
  ));

test("first layers, and texts within the budget, see everything", () => {
  assert.ok(budgetHoldsAll(options, 1, 1000));
  assert.ok(budgetHoldsAll(options, 2, 8));
  assert.ok(!budgetHoldsAll(options, 2, 9));
});
