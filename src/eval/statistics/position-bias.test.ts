import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRandom } from "../random.ts";
import { binOf, depthBins } from "./depth-bins.ts";
import { logisticRegression } from "./logistic.ts";
import { type PlacedScore, positionBias } from "./position-bias.ts";

const random = () => createRandom("test");
const close = (got: number | undefined, expected: number, bound: number) => {
  assert.ok(got !== undefined && Math.abs(got - expected) <= bound, `expected ${expected} ± ${bound}, got ${got}`);
};

/** `per` samples at each of eleven depths, of which the given number (0 to per) are right. */
function sweep(right: readonly number[], per: number): PlacedScore[] {
  return right.flatMap((count, i) =>
    Array.from({ length: per }, (_, j) => ({
      score: j < count ? 1 : 0,
      depth: i / (right.length - 1),
      group: `${i}/${j}`,
      length: 4096,
    })),
  );
}
const biasOf = (samples: readonly PlacedScore[]) =>
  positionBias(samples, depthBins(samples.map(({ depth }) => depth)), random());

test("a U by hand: fifths 0.9, 0.3, 0.6 give primacy 0.6, recency 0.3, U 0.45, to 1e-12", () => {
  const bias = biasOf(sweep([9, 9, 9, 6, 3, 3, 3, 5, 6, 6, 6], 10));
  assert.ok(bias);
  close(bias.primacy, 0.6, 1e-12);
  close(bias.recency, 0.3, 1e-12);
  close(bias.u, 0.45, 1e-12);
  assert.ok(bias.uInterval.low > 0.1 && bias.uInterval.low < 0.45 && bias.uInterval.high > 0.45);
  assert.deepEqual(bias.worstBin, { low: 0.4, high: 0.4, n: 10, score: 0.3 });
  close(bias.uniformity, 0.4, 1e-12);
  assert.ok(bias.curvature !== undefined && bias.curvature > 0);
  assert.ok(bias.curvatureInterval && bias.curvatureInterval.low > 0);
  close(bias.p, 0.01185, 0.01); // chi-squared, from scipy 1.17 (chi2_contingency)
});

test("an even score has no bias: U 0, evenness 1, p 1", () => {
  const bias = biasOf(sweep(new Array<number>(11).fill(5), 10));
  assert.ok(bias);
  assert.deepEqual([bias.u, bias.uniformity, bias.p], [0, 1, 1]);
  close(bias.curvature, 0, 1e-9);
});

test("scores that are all right leave doubt about U, and no curve to fit", () => {
  const bias = biasOf(sweep(new Array<number>(11).fill(1), 1));
  assert.ok(bias);
  assert.ok(bias.uInterval.low < -0.2 && bias.uInterval.high > 0.2);
  assert.equal(bias.curvature, undefined);
});

test("a slope shows in the permutation test, not in U", () => {
  const bias = biasOf(sweep([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 10));
  assert.ok(bias);
  close(bias.u, 0, 1e-12);
  assert.ok(bias.p < 0.001);
});

test("the permutation test keeps lengths apart: a length with other depths and other scores is no effect of depth", () => {
  const at = (depth: number, score: number, length: number, i: number): PlacedScore => ({
    depth,
    score,
    length,
    group: `${depth}/${length}/${i}`,
  });
  // All at 4K right, at 8K wrong, with different depths at either: depth and score go together only through length.
  const samples = Array.from({ length: 20 }, (_, i) => [
    at([0, 0.5][i % 2], 1, 4096, i),
    at([0.5, 1][i % 2], 0, 8192, i),
  ]).flat();
  const bias = biasOf(samples);
  assert.ok(bias);
  assert.equal(bias.p, 1);
});

test("without samples in the middle there is no bias to speak of", () => {
  assert.equal(biasOf(sweep([1, 1], 10)), undefined);
});

test("p of shuffled depths is rarely small: under 0.1 in at most 12 of 60 trials", () => {
  const depths = sweep(new Array<number>(11).fill(0), 3).map(({ depth }) => depth);
  const bins = depthBins(depths);
  const small = Array.from({ length: 60 }, (_, trial) => {
    const numbers = createRandom("trial", trial);
    const samples = depths.map((depth, i) => ({ depth, score: numbers.int(2), group: String(i), length: 1 }));
    return positionBias(samples, bins, random())!.p;
  }).filter((p) => p < 0.1);
  assert.ok(small.length <= 12, `${small.length}`);
});

test("coefficients and clustered errors are within 1e-7 of statsmodels 0.15 (GLM Binomial, cluster without correction)", () => {
  const scores = [1, 1, 1, 0, 1, 1, 0, 0.5, 0, 0, 1, 0, 0, 0.25, 0, 0, 1, 0, 1, 0.75, 1, 1, 0, 1];
  const samples = (group: (i: number) => number) =>
    scores.map((y, i) => {
      const z = (2 * i) / 23 - 1;
      return { x: [1, z, z ** 2], y, group: String(group(i)) };
    });
  const clustered = logisticRegression(samples((i) => i >> 1))!;
  [-1.15200915, -0.17240885, 3.67399599].forEach((beta, i) => {
    close(clustered.coefficients[i], beta, 1e-7);
  });
  [0.53078215, 0.81796925, 1.5374247].forEach((error, i) => {
    close(clustered.standardErrors[i], error, 1e-7);
  });
  // Groups of one: White's errors (HC0).
  const alone = logisticRegression(samples((i) => i))!;
  [0.61169337, 0.84908518, 1.76053649].forEach((error, i) => {
    close(alone.standardErrors[i], error, 1e-7);
  });
});

test("separated answers, equal answers and too few depths have no fit", () => {
  const fit = (points: [z: number, y: number][]) =>
    logisticRegression(points.map(([z, y], i) => ({ x: [1, z, z ** 2], y, group: String(i) })));
  assert.equal(fit([-1, -0.5, 0, 0.5, 1].map((z) => [z, z < 0.2 ? 1 : 0])), undefined);
  assert.equal(fit([-1, -0.5, 0, 0.5, 1].map((z) => [z, 1])), undefined);
  assert.equal(
    fit([
      [-1, 1],
      [-1, 0],
      [1, 1],
      [1, 0],
    ]),
    undefined,
  );
});

test("at the maximum the residuals are orthogonal to every column, to 1e-7", () => {
  const sample = fc.record({ z: fc.integer({ min: -5, max: 5 }), y: fc.constantFrom(0, 0.25, 0.5, 1) });
  let fits = 0;
  fc.assert(
    fc.property(fc.array(sample, { minLength: 20, maxLength: 40 }), (points) => {
      const samples = points.map(({ z, y }, i) => ({ x: [1, z / 5, (z / 5) ** 2], y, group: String(i) }));
      const fit = logisticRegression(samples);
      if (fit === undefined) return;
      fits++;
      for (let column = 0; column < 3; column++) {
        const sum = samples.reduce((total, { x, y }) => {
          const logit = x.reduce((value, v, i) => value + v * fit.coefficients[i], 0);
          return total + (y - 1 / (1 + Math.exp(-logit))) * x[column];
        }, 0);
        close(sum, 0, 1e-7);
      }
    }),
  );
  assert.ok(fits > 20, `${fits} fits`);
});

test("a few fixed depths are the bins; more than twelve go into tenths, 1 into the last", () => {
  assert.deepEqual(depthBins([1, 0, 0.5, 0.5, 0.2503, 0.2497]), [
    { low: 0, high: 0 },
    { low: 0.25, high: 0.25 },
    { low: 0.5, high: 0.5 },
    { low: 1, high: 1 },
  ]);
  const tenths = depthBins(Array.from({ length: 40 }, (_, i) => i / 39));
  assert.equal(tenths.length, 10);
  assert.deepEqual(
    [0, 0.0999, 0.1, 0.3, 0.7, 0.999, 1].map((depth) => binOf(tenths, depth)),
    [0, 0, 1, 3, 7, 9, 9],
  );
});

test("every depth that bins were made for has one, which holds it to a hundredth", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 30 }), (depths) => {
      const bins = depthBins(depths);
      for (const depth of depths) {
        const bin = bins[binOf(bins, depth)];
        assert.ok(bin && depth >= bin.low - 0.00501 && depth <= bin.high + 0.00501, `${depth}`);
      }
    }),
  );
});
