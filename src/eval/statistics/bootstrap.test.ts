import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../random.ts";
import { bootstrap, quantile } from "./bootstrap.ts";
import { meanInterval } from "./mean-interval.ts";
import { groupSums, meanOfGroups } from "./observation.ts";
import { wilson } from "./wilson.ts";

const random = () => createRandom("test");
const close = (got: number, expected: number, bound: number) => {
  assert.ok(Math.abs(got - expected) <= bound, `expected ${expected} ± ${bound}, got ${got}`);
};

test("quantiles are NumPy's to 1e-12 (numpy.quantile of 1, 2, 4, 8, 16)", () => {
  const values = [1, 2, 4, 8, 16];
  close(quantile(values, 0.025), 1.1, 1e-12);
  close(quantile(values, 0.3), 2.4, 1e-12);
  close(quantile(values, 0.975), 15.2, 1e-12);
  assert.equal(quantile(values, 0), 1);
  assert.equal(quantile(values, 1), 16);
});

test("the bootstrap of a mean is normal theory's interval to 10 % of its width, for 400 even values", () => {
  const groups = Array.from({ length: 400 }, (_, i) => ({ sum: (i + 0.5) / 400, count: 1 }));
  const { low, high } = bootstrap(groups, meanOfGroups, random());
  const half = (1.96 * Math.sqrt(1 / 12)) / 20;
  close(low, 0.5 - half, 0.2 * half);
  close(high, 0.5 + half, 0.2 * half);
});

test("the same seed gives the same interval, bit for bit, and another seed another one", () => {
  const groups = Array.from({ length: 20 }, (_, i) => ({ sum: Math.sqrt(i), count: 1 }));
  assert.deepEqual(bootstrap(groups, meanOfGroups, random()), bootstrap(groups, meanOfGroups, random()));
  assert.notDeepEqual(
    bootstrap(groups, meanOfGroups, random()),
    bootstrap(groups, meanOfGroups, createRandom("other")),
  );
});

test("resamples without a value are passed over", () => {
  const interval = bootstrap([0, 1], ([first, second]) => (first === second ? Number.NaN : first + second), random());
  assert.deepEqual(interval, { low: 1, high: 1 });
});

test("four equal answers of each of 25 contexts count as 25: twice the width of 100 independent ones, to 20 %", () => {
  const values = Array.from({ length: 100 }, (_, i) => ({ value: (i >> 2) % 2, group: String(i >> 2) }));
  const clustered = meanInterval(values, random());
  const independent = meanInterval(
    values.map(({ value }, i) => ({ value, group: String(i) })),
    random(),
  );
  assert.equal(clustered.method, "bootstrap");
  assert.equal(independent.method, "wilson");
  const ratio =
    (clustered.interval.high - clustered.interval.low) / (independent.interval.high - independent.interval.low);
  close(ratio, 2, 0.4);
});

test("independent 0/1 scores get Wilson's interval, fractions the bootstrap's", () => {
  const observations = (values: number[]) => values.map((value, i) => ({ value, group: String(i) }));
  assert.deepEqual(meanInterval(observations([1, 1, 1, 0, 1]), random()), {
    mean: 0.8,
    interval: wilson(0.8, 5),
    method: "wilson",
  });
  const recalls = meanInterval(observations([1, 0.75, 0.5, 1, 0.25, 1]), random());
  assert.equal(recalls.method, "bootstrap");
  assert.equal(recalls.mean, 0.75);
  assert.ok(recalls.interval.low < 0.75 && recalls.interval.high > 0.75 && recalls.interval.high <= 1);
});

test("few groups, or groups that are all alike, are never sure of themselves: Wilson with the number of groups", () => {
  const alike = Array.from({ length: 40 }, (_, i) => ({ value: i % 2, group: String(i >> 1) }));
  assert.deepEqual(meanInterval(alike, random()).interval, wilson(0.5, 20));
  const one = Array.from({ length: 50 }, () => ({ value: 1, group: "all" }));
  assert.deepEqual(meanInterval(one, random()).interval, wilson(1, 1));
  const few = [0.5, 0.75, 1, 1].map((value, i) => ({ value, group: String(i) }));
  assert.deepEqual(meanInterval(few, random()).interval, wilson(0.8125, 4));
});

test("group sums keep the order of first appearance and all values", () => {
  const observations = [
    { value: 1, group: "b" },
    { value: 2, group: "a" },
    { value: 4, group: "b" },
  ];
  assert.deepEqual(groupSums(observations), [
    { sum: 5, count: 2 },
    { sum: 2, count: 1 },
  ]);
});
