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
import { tensorView } from "../../../../test/support/layer-view.ts";
import type { Choice } from "../../technique.ts";
import { highest } from "../allocation/highest.ts";
import { valueAware } from "./value-aware.ts";

const goldens = cacheGoldenNames.map(readCacheGolden);
const defaults = valueAware.options.parse({ method: "value-aware" });

const bases: Readonly<Record<string, Choice>> = {
  "critical-snapkv-w64-k5": "snapkv",
  "critical-snapkv-w32-k7": { method: "snapkv", window: 32, kernel: 7 },
  "critical-expected-attention": { method: "expected-attention", valueNorm: false },
};

for (const [press, base] of Object.entries(bases))
  test(`${press}: second-stage scores differ by at most 5e-6, kept positions are the same but for marked ties`, () => {
    for (const golden of goldens)
      for (const layer of golden.layers)
        for (const entry of golden.presses.get(press)?.layers.get(layer)?.ratios ?? assert.fail(press)) {
          const budget = keptAt(golden.n, entry.ratio);
          const scores = valueAware.score(goldenView(golden, layer, { budget }), { ...defaults, base });
          const where = `${golden.name} ${press} ${entry.ratio} layer ${layer}`;
          const kept = scores.map((row) => highest(row, budget));
          assertSameKept(kept, entry, where);
          if (!entry.finalScores) continue;
          // Infinity stands for the first stage there.
          const isSecond = (kvHead: number) => (_: number, slot: number) =>
            Number.isFinite(entry.finalScores?.[kvHead][slot]);
          const difference = largestDifference(
            scores.map((row, kvHead) => row.filter(isSecond(kvHead))),
            entry.finalScores.map((row, kvHead) => row.filter(isSecond(kvHead))),
          );
          assert.ok(difference <= 5e-6, `${where}: ${difference}`);
        }
  });

/** Six slots, each key longer than the one before; the fifth value is nine times as long as the others. */
const view = tensorView({
  headDim: 2,
  keys: [Float32Array.from([1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0])],
  values: [Float32Array.from([1, 0, 1, 0, 1, 0, 1, 0, 9, 0, 1, 0])],
  outputWeight: [Float32Array.from([1, 0, 0, -2])],
  budget: 4,
});

test("with scores below zero a longer value still counts for a slot, and the first stage keeps the order of the base", () => {
  const base = "key-norm";
  const scores = (share: number) => [...valueAware.score(view, { ...defaults, base, share })[0]];
  const weighted = scores(0);
  assert.deepEqual(
    weighted.map((score) => Number(score.toFixed(3))),
    [5, 4, 3, 2, 9.001, 0],
  );
  const staged = scores(0.5);
  assert.deepEqual(staged.slice(2), weighted.slice(2));
  assert.ok(staged[0] > staged[1] && staged[1] > Math.max(...weighted) && staged.every(Number.isFinite));
});

test("needs what its base needs; a base that needs a second reading is no base", () => {
  assert.deepEqual(valueAware.needs?.(defaults), { queries: 64 });
  assert.deepEqual(valueAware.needs?.({ ...defaults, base: "key-norm" }), {});
  assert.equal(valueAware.options.safeParse({ method: "value-aware", base: "kvzip" }).success, false);
});
