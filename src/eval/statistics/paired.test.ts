import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRandom } from "../random.ts";
import { holm, mcnemar, pairedDifference, signFlip } from "./paired.ts";
import { wilson } from "./wilson.ts";

const random = () => createRandom("test");
const close = (got: number, expected: number, bound: number) => {
  assert.ok(Math.abs(got - expected) <= bound, `expected ${expected} ± ${bound}, got ${got}`);
};
const independent = (values: readonly number[]) => values.map((value, i) => ({ value, group: String(i) }));

test("McNemar's exact p is within 1e-11 of statsmodels 0.15 (mcnemar, exact=True)", () => {
  for (const [wins, losses, p] of [
    [1, 8, 0.0390625],
    [3, 3, 1],
    [0, 5, 0.0625],
    [0, 6, 0.03125],
    [12, 25, 0.04703102743951604],
    [60, 100, 0.001953728034064355],
    [900, 1000, 0.023108845108901193],
    [0, 0, 1],
  ]) {
    close(mcnemar(wins, losses), p, 1e-11);
    close(mcnemar(losses, wins), p, 1e-11);
  }
});

test("Holm's correction is statsmodels' (multipletests, method holm) to 1e-12, in the order given", () => {
  const adjusted = holm([0.01, 0.04, 0.03, 0.005, 0.2]);
  [0.04, 0.09, 0.09, 0.025, 0.2].forEach((p, i) => {
    close(adjusted[i], p, 1e-12);
  });
  assert.deepEqual(holm([]), []);
});

test("Holm's correction never lowers p, keeps its order, and is Bonferroni's for the smallest", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 }), (p) => {
      const adjusted = holm(p);
      for (let i = 0; i < p.length; i++) {
        assert.ok(adjusted[i] >= p[i] && adjusted[i] <= 1);
        for (let j = 0; j < p.length; j++) if (p[i] < p[j]) assert.ok(adjusted[i] <= adjusted[j]);
      }
      assert.equal(Math.min(...adjusted), Math.min(1, p.length * Math.min(...p)));
    }),
  );
});

test("few signs are all tried: p is scipy's (permutation_test, samples), exactly", () => {
  assert.equal(signFlip([0.5, 0.25, -0.1, 0.4, 0.3, 0.2, -0.05, 0.6], random()), 0.03125);
  assert.equal(signFlip([0.1, 0.2, -0.3], random()), 1);
  assert.equal(signFlip([], random()), 1);
});

test("for equal contributions the sign-flip test is McNemar's: exactly up to 13, to 0.01 with random signs", () => {
  const signs = (wins: number, losses: number) => [
    ...new Array<number>(wins).fill(1),
    ...new Array<number>(losses).fill(-1),
    0,
    0,
  ];
  for (const [wins, losses] of [
    [1, 8],
    [3, 3],
    [13, 0],
  ])
    close(signFlip(signs(wins, losses), random()), mcnemar(wins, losses), 1e-12);
  for (const [wins, losses] of [
    [12, 25],
    [30, 30],
  ])
    close(signFlip(signs(wins, losses), random()), mcnemar(wins, losses), 0.01);
});

test("a paired difference is surer than two runs apart: no wider than a third where nearly all answers agree", () => {
  const differences = independent(Array.from({ length: 100 }, (_, i) => (i < 4 ? 1 : i < 5 ? -1 : 0)));
  const { mean, interval } = pairedDifference(differences, random());
  close(mean, 0.03, 1e-12);
  const apart = wilson(0.5, 100);
  assert.ok(interval.high - interval.low < (Math.SQRT2 * (apart.high - apart.low)) / 3);
  assert.ok(interval.low < mean && mean < interval.high);
});

test("equal runs differ by at most the share that n samples cannot exclude", () => {
  const bound = wilson(0, 20).high;
  assert.deepEqual(pairedDifference(independent(new Array<number>(20).fill(0)), random()), {
    mean: 0,
    interval: { low: -bound, high: bound },
  });
  const { interval } = pairedDifference(independent(new Array<number>(20).fill(-1)), random());
  close(interval.low, -1, 1e-12);
  close(interval.high, -1 + 2 * bound, 1e-12);
});

test("groups are what counts: 10 samples of each of 2 contexts are not sure of a difference", () => {
  const differences = Array.from({ length: 20 }, (_, i) => ({ value: i < 10 ? 1 : 0.5, group: String(i < 10) }));
  const { interval } = pairedDifference(differences, random());
  assert.ok(interval.low < 0, `low ${interval.low}`);
});
