/** What allocations keep against kvpress (test/golden/README.md), with scores of kvpress itself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertSameKept,
  type CacheGolden,
  cacheGoldenNames,
  type GoldenKept,
  keptAt,
  readBudgetsGolden,
  readCacheGolden,
} from "../../../../test/support/cache-golden.ts";
import { adaptive } from "./adaptive.ts";
import type { HeadScores } from "./allocation.ts";
import { global } from "./global.ts";
import { pyramid } from "./pyramid.ts";

const goldens = cacheGoldenNames.map(readCacheGolden);

/** Of some layers together. */
function headsOf(golden: CacheGolden, press: string, layers: readonly number[]): HeadScores[] {
  return layers.flatMap((layer) => {
    const scores = golden.presses.get(press)?.layers.get(layer)?.scores ?? assert.fail(press);
    return scores.map((row, kvHead) => ({ layer, kvHead, scores: row, positions: Int32Array.from(row, (_, j) => j) }));
  });
}

function ratiosOf(golden: CacheGolden, press: string, layer: number): readonly GoldenKept[] {
  return golden.presses.get(press)?.layers.get(layer)?.ratios ?? assert.fail(press);
}

for (const [press, safeguard] of Object.entries({
  "adakv-snapkv-w64-k5": 0.2,
  "adakv-snapkv-w32-k7": 0.2,
  "adakv-expected-attention": 0.2,
  "adakv-expected-attention-eps": 0.2,
  "adakv-knorm": 0.2,
  "adakv-knorm-alpha0.9": 0.9,
}))
  test(`${press}: every head keeps the same positions at every ratio, but for marked ties`, () => {
    for (const golden of goldens)
      for (const layer of golden.layers)
        for (const entry of ratiosOf(golden, press, layer)) {
          const request = { budget: keptAt(golden.n, entry.ratio), numLayers: golden.model.layers, length: golden.n };
          const kept = adaptive.keep(headsOf(golden, press, [layer]), request, { method: "adaptive", safeguard });
          assertSameKept(kept, entry, `${golden.name} ${press} ${entry.ratio} layer ${layer}`);
        }
  });

for (const [press, options] of Object.entries({
  "pyramidkv-w64-k5-b20": { window: 64, beta: 20 },
  "pyramidkv-w16-k5-b2": { window: 16, beta: 2 },
}))
  test(`${press}: every head keeps the same positions at every ratio, but for marked ties`, () => {
    for (const golden of goldens)
      for (const layer of golden.layers)
        for (const entry of ratiosOf(golden, press, layer)) {
          const budget = golden.n * (1 - entry.ratio);
          const request = { budget, numLayers: golden.model.layers, length: golden.n };
          const kept = pyramid.keep(headsOf(golden, press, [layer]), request, { method: "pyramid", ...options });
          assertSameKept(kept, entry, `${golden.name} ${press} ${entry.ratio} layer ${layer}`);
        }
  });

test("pyramid keeps as many in every layer as kvpress in all its listed shapes of more than one layer", () => {
  // A single layer gets the first one's share there, which is more than the budget.
  const rows = readBudgetsGolden().pyramid.filter(({ layers }) => layers > 1);
  assert.ok(rows.length > 50);
  for (const { n, layers, window, beta, ratio, kept } of rows) {
    const scores = Float32Array.from({ length: n }, (_, slot) => -slot);
    const positions = Int32Array.from(scores, (_, slot) => slot);
    const heads = Array.from({ length: layers }, (_, layer) => ({ layer, kvHead: 0, scores, positions }));
    const request = { budget: n * (1 - ratio), numLayers: layers, length: n };
    const counts = pyramid.keep(heads, request, { method: "pyramid", window, beta }).map(({ length }) => length);
    assert.deepEqual(counts, [...kept], JSON.stringify({ n, layers, window, beta, ratio }));
  }
});

test("kvzip over all layers and within each: the same positions as kvpress, which truncates the number that goes", () => {
  const golden = goldens.find(({ presses }) => presses.has("kvzip")) ?? assert.fail("kvzip");
  for (const [press, groups] of [
    ["kvzip", [golden.layers]],
    ["kvzip-layerwise", golden.layers.map((layer) => [layer])],
  ] as const)
    for (const layers of groups)
      ratiosOf(golden, press, layers[0]).forEach(({ ratio }, index) => {
        const heads = headsOf(golden, press, layers);
        const slots = heads.length * golden.n;
        const budget = (slots - Math.trunc(slots * ratio)) / heads.length;
        const request = { budget, numLayers: layers.length, length: golden.n };
        const kept = global.keep(heads, request, { method: "global" });
        layers.forEach((layer, at) => {
          const ofLayer = kept.slice(at * golden.model.kvHeads, (at + 1) * golden.model.kvHeads);
          assertSameKept(ofLayer, ratiosOf(golden, press, layer)[index], `${press} ${ratio} layer ${layer}`);
        });
      });
});
