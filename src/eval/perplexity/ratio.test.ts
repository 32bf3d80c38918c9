import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../random.ts";
import { ratioOf, studentT } from "./ratio.ts";

test("with equal weights the interval is Student's for a mean: 2, 4, 6 give 4 ± 4.303 · 2/√3 within 1e-9", () => {
  const { value, interval } = ratioOf([2, 4, 6].map((mean) => ({ sum: 10 * mean, weight: 10 })));
  assert.equal(value, 4);
  const half = (4.303 * 2) / Math.sqrt(3);
  assert.ok(Math.abs(interval!.low - (4 - half)) < 1e-9);
  assert.ok(Math.abs(interval!.high - (4 + half)) < 1e-9);
  assert.equal(ratioOf([{ sum: 1, weight: 2 }]).interval, undefined);
});

test("Student's t goes on above 30 degrees within 0.003: 40 has 2.021, 60 has 2.000, 120 has 1.980", () => {
  for (const [degrees, expected] of [
    [1, 12.706],
    [30, 2.042],
    [40, 2.021],
    [60, 2],
    [120, 1.98],
  ])
    assert.ok(Math.abs(studentT(degrees) - expected) < 0.003, `${degrees}`);
});

test("of 1,000 draws of 8 clusters of unequal weight, 91 to 98 % of the intervals hold the true ratio", () => {
  const random = createRandom("ratio.test");
  const noise = () => Array.from({ length: 12 }, random.next).reduce((sum, x) => sum + x, -6);
  let held = 0;
  for (let draw = 0; draw < 1000; draw++) {
    const clusters = Array.from({ length: 8 }, () => {
      const weight = random.between(50, 150);
      return { sum: weight * (3 + 0.5 * noise()), weight };
    });
    const { low, high } = ratioOf(clusters).interval!;
    if (low <= 3 && 3 <= high) held++;
  }
  assert.ok(held >= 910 && held <= 980, `${held}`);
});
