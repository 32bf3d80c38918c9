import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertSameKept,
  cacheGoldenNames,
  goldenView,
  keptAt,
  largestDifference,
  readCacheGolden,
} from "../../../../test/support/cache-golden.ts";
import { plainRotary, tensorView } from "../../../../test/support/layer-view.ts";
import { randomFloats } from "../../../../test/support/random.ts";
import { highest } from "../allocation/highest.ts";
import { expectedAttention } from "./expected-attention.ts";
import type { LayerView } from "./score.ts";

const goldens = cacheGoldenNames.map(readCacheGolden);
const defaults = expectedAttention.options.parse({ method: "expected-attention" });

/** The mean alone: of queries that do not vary. */
function withoutCovariance(view: LayerView): LayerView {
  const covariance = new Float64Array(view.headDim ** 2);
  return { ...view, rotary: view.rotary, queryStatistics: (head) => ({ ...view.queryStatistics(head), covariance }) };
}

const presses: Readonly<Record<string, { options?: Partial<typeof defaults>; mean?: true }>> = {
  "expected-attention": {},
  "expected-attention-mean": { mean: true },
  "expected-attention-no-vnorm": { options: { valueNorm: false } },
  "expected-attention-mean-no-vnorm": { options: { valueNorm: false }, mean: true },
  "expected-attention-eps": { options: { epsilon: 0.01 } },
  "expected-attention-future1": { options: { future: 1 } },
};

for (const [press, { options, mean }] of Object.entries(presses))
  test(`${press}: scores differ by at most 5e-6 of the score or of the median, kept positions are the same but for marked ties`, () => {
    for (const golden of goldens)
      for (const layer of golden.layers) {
        const expected = golden.presses.get(press)?.layers.get(layer) ?? assert.fail(press);
        const view = goldenView(golden, layer, { budget: 100 });
        const scores = expectedAttention.score(mean ? withoutCovariance(view) : view, { ...defaults, ...options });
        const difference = largestDifference(scores, expected.scores ?? assert.fail("scores"));
        assert.ok(difference <= 5e-6, `${golden.name} layer ${layer}: ${difference}`);
        for (const entry of expected.ratios) {
          const kept = scores.map((row) => highest(row, keptAt(golden.n, entry.ratio)));
          assertSameKept(kept, entry, `${golden.name} ${press} ${entry.ratio} layer ${layer}`);
        }
      }
  });

const headDim = 8;

/** Two query heads on one KV head; `queries` before RoPE of 20 tokens. */
function smallView(queries: readonly Float32Array[]): LayerView {
  const keys = [randomFloats(20 * headDim, 1)];
  return tensorView({ headDim, keys, values: keys, numHeads: 2, queries, rotary: plainRotary(headDim, 100) });
}

test("queries without variance score as their mean alone, in every mode, bit for bit", () => {
  const one = randomFloats(headDim, 2);
  const same = Float32Array.from({ length: 20 * headDim }, (_, at) => one[at % headDim]);
  const view = withoutCovariance(smallView([same, same]));
  const full = expectedAttention.score(view, defaults);
  for (const mode of ["diagonal", "stored"] as const)
    assert.deepEqual(expectedAttention.score(view, { ...defaults, mode }), full);
  assert.ok(full[0].every(Number.isFinite));
});

test("diagonal: equals full within 1e-6 where the covariance is diagonal and stays so: quarter turns", () => {
  const view = smallView([randomFloats(20 * headDim, 3), randomFloats(20 * headDim, 4)]);
  const covariance = new Float64Array(headDim ** 2);
  for (let c = 0; c < headDim; c++) covariance[c * (headDim + 1)] = 1 + c;
  // Turns of whole quarters map axes to axes, so that a diagonal covariance stays one.
  const rotary = { ...plainRotary(headDim, 100), inverse: new Float64Array(headDim / 2).fill(Math.PI / 2) };
  const turned = {
    ...view,
    rotary,
    queryStatistics: (head: number) => ({ ...view.queryStatistics(head), covariance }),
  };
  const options = { ...defaults, future: 1 };
  const full = expectedAttention.score(turned, options);
  assert.ok(largestDifference(expectedAttention.score(turned, { ...options, mode: "diagonal" }), full) <= 1e-6);
  assert.ok(largestDifference(expectedAttention.score(withoutCovariance(turned), options), full) > 0.01);
});

test("the first four positions come out highest and change no other score", () => {
  const view = smallView([randomFloats(20 * headDim, 5), randomFloats(20 * headDim, 6)]);
  const scores = expectedAttention.score(view, defaults)[0];
  assert.deepEqual([...highest(scores, 4)], [0, 1, 2, 3]);
  const louder = view.keys(0).map((value, at) => (at < 4 * headDim ? 9 * value : value));
  const changed = { ...view, rotary: view.rotary, keys: () => louder };
  const quadratic = (kvHead: number, of: "keys" | "values", matrix: Float32Array, power: 1 | 2) =>
    tensorView({ headDim, keys: [louder] }).projected(kvHead, of, matrix, power);
  assert.deepEqual(
    expectedAttention.score({ ...changed, projected: quadratic }, defaults)[0].subarray(4),
    scores.subarray(4),
  );
});

test("needs a calibration where statistics are stored, those of this text otherwise", () => {
  assert.deepEqual(expectedAttention.needs?.({ ...defaults, mode: "stored" }), { calibration: true });
  assert.deepEqual(expectedAttention.needs?.({ ...defaults, mode: "diagonal" }), { statistics: true });
});
