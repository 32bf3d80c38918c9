import assert from "node:assert/strict";
import { test } from "node:test";
import { plainRotary } from "../../../test/support/layer-view.ts";
import { randomFloats } from "../../../test/support/random.ts";
import { retrievalScores } from "./retrieval-score.ts";
import { averageRotation, rotate } from "./score/average-rotation.ts";
import type { RotaryView } from "./score/score.ts";

const headDim = 16;
const tokens = 50;
const rotary = plainRotary(headDim, 100);

/** R(position) x */
function turned(x: Float64Array, view: RotaryView, position: number): Float64Array {
  const result = x.slice();
  rotate(averageRotation(view, position, 1), result);
  return result;
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, c) => sum + value * b[c], 0);
}

/** The formula, word by word, for one query head. */
function scoreOf(query: Float64Array, key: Float64Array, view: RotaryView): number {
  const last = turned(query, view, tokens - 1);
  const weights = Array.from({ length: tokens }, (_, j) =>
    Math.exp(dot(last, turned(key, view, j)) / Math.sqrt(headDim)),
  );
  const total = weights.reduce((sum, weight) => sum + weight);
  const seen = weights.map((_, j) => weights.slice(0, j + 1).reduce((sum, weight) => sum + weight / total, 0));
  return seen.reduce((sum, share) => sum + share, 0) / tokens;
}

test("1/n for a head that sees the last token alone, 1 for the first alone, (n + 1)/2n for all alike, within 1e-9", () => {
  const queries = Float64Array.from({ length: headDim }, () => 30);
  const score = (keys: Float64Array) => retrievalScores({ queries, keys, headDim, tokens, rotary })[0];
  assert.ok(Math.abs(score(queries) - 1 / tokens) < 1e-9);
  assert.ok(Math.abs(score(turned(queries, rotary, tokens - 1)) - 1) < 1e-9);
  assert.ok(Math.abs(score(new Float64Array(headDim)) - (tokens + 1) / (2 * tokens)) < 1e-9);
});

test("equals the formula within 1e-12: both pairings, a part that does not turn, an attention factor, groups of two", () => {
  const partly = { ...plainRotary(headDim - 4, 100), attentionFactor: 1.2 };
  for (const view of [rotary, partly, { ...rotary, interleaved: true }, { ...partly, interleaved: true }]) {
    const queries = Float64Array.from(randomFloats(4 * headDim, 1, 2));
    const keys = Float64Array.from(randomFloats(2 * headDim, 2, 2));
    const row = (rows: Float64Array, index: number) => rows.subarray(index * headDim, (index + 1) * headDim);
    const scores = retrievalScores({ queries, keys, headDim, tokens, rotary: view });
    assert.equal(scores.length, 2);
    for (const kvHead of [0, 1]) {
      const group = [2 * kvHead, 2 * kvHead + 1].map((head) => scoreOf(row(queries, head), row(keys, kvHead), view));
      assert.ok(Math.abs(scores[kvHead] - (group[0] + group[1]) / 2) < 1e-12);
    }
  }
});
