/** Scores and what is kept by them against kvpress (test/golden/README.md), which computes in f32. */
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
import type { Choice } from "../../technique.ts";
import { highest } from "../allocation/highest.ts";
import { cacheScores } from "./registry.ts";

/** Classes of kvpress that keep the highest scores of each head, and the same in a plan. */
const choices: Readonly<Record<string, Choice>> = {
  "streaming-llm": "sink-window",
  knorm: "key-norm",
  keydiff: "key-diff",
  "lagkv-128": "lag-kv",
  "lagkv-32": { method: "lag-kv", lag: 32 },
  "lagkv-200": { method: "lag-kv", lag: 200 },
  "observed-attention": "attention-sum",
  tova: "tova",
  "snapkv-w64-k5": "snapkv",
  "snapkv-w32-k7": { method: "snapkv", window: 32, kernel: 7 },
};

const goldens = cacheGoldenNames.map(readCacheGolden);
const sinks = 4;

function scoresOf(choice: Choice, golden: (typeof goldens)[number], layer: number, budget: number): Float32Array[] {
  const { technique, options } = cacheScores.chosen(choice);
  return technique.score(goldenView(golden, layer, { budget, sinks }), options);
}

for (const [press, choice] of Object.entries(choices)) {
  test(`${press}: every head keeps the same positions at every ratio, but for marked ties`, () => {
    for (const golden of goldens)
      for (const layer of golden.layers)
        for (const entry of golden.presses.get(press)?.layers.get(layer)?.ratios ?? assert.fail(press)) {
          const budget = keptAt(golden.n, entry.ratio);
          const scores = scoresOf(choice, golden, layer, budget);
          // As the engine does; the other classes do not all keep the sinks.
          if (choice === "sink-window") for (const row of scores) row.fill(Number.POSITIVE_INFINITY, 0, sinks);
          const kept = scores.map((row) => highest(row, budget));
          assertSameKept(kept, entry, `${golden.name} ${press} ${entry.ratio} layer ${layer}`);
        }
  });
}

// The 1 and 0 of StreamingLLM there are no scores. PyramidKV's are SnapKV's, with its own division of the budget.
const scored = Object.entries({
  ...choices,
  "pyramidkv-w16-k5-b2": { method: "snapkv", window: 16 },
}).filter(([press]) => press !== "streaming-llm");

for (const [press, choice] of scored) {
  test(`${press}: scores differ by at most 2e-6 of the score or of the median`, () => {
    for (const golden of goldens)
      for (const layer of golden.layers) {
        const expected = golden.presses.get(press)?.layers.get(layer)?.scores ?? assert.fail(press);
        const difference = largestDifference(scoresOf(choice, golden, layer, 100), expected);
        assert.ok(difference <= 2e-6, `${golden.name} layer ${layer}: ${difference}`);
      }
  });
}
