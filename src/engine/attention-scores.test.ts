import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { attendedPassages } from "./attended-passages.ts";
import { attentionScores } from "./attention-scores.ts";
import type { TracedHead } from "./types.ts";

function headsOf(length: number, ...weights: ((position: number) => number)[]): TracedHead[] {
  return weights.map((weight, kvHead) => {
    return { layer: 0, kvHead, weights: Float32Array.from({ length }, (_, position) => weight(position)) };
  });
}

test("the sum of scores over a passage is the share that attendedPassages() gives it, within 1e-9", () => {
  const weight = fc.double({ min: 0, max: 1, noNaN: true });
  const head = fc.array(weight, { minLength: 200, maxLength: 200 });
  fc.assert(
    fc.property(
      fc.array(head, { minLength: 1, maxLength: 4 }),
      fc.nat(40),
      fc.integer({ min: 41, max: 200 }),
      (all, begin, end) => {
        const heads = headsOf(200, ...all.map((weights) => (position: number) => weights[position] ** 6));
        const scores = attentionScores(heads, { begin, end });
        assert.equal(scores.length, end - begin);
        const total = scores.reduce((sum, score) => sum + score, 0);
        for (const { share, ...passage } of attendedPassages(heads, { begin, end })) {
          const inside = scores
            .slice(passage.begin - begin, passage.end - begin)
            .reduce((sum, score) => sum + score, 0);
          assert.ok(Math.abs(inside / total - share) < 1e-9, `${inside / total} ${share}`);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test("sinks and recency get nothing, a place that one head looks at gets all", () => {
  const nearby = (position: number) => (position < 4 ? 20 : 2 ** ((position - 300) / 40));
  const retrieval = (position: number) => (position >= 100 && position < 110 ? 1 : 0);
  const scores = attentionScores(headsOf(300, nearby, retrieval), { begin: 0, end: 260 });
  assert.deepEqual(
    [...scores.keys()].filter((p) => scores[p] > 1e-9),
    Array.from({ length: 10 }, (_, i) => 100 + i),
  );
});

test("a text of no tokens, or of sinks alone, has no scores but zeros", () => {
  assert.deepEqual(
    [
      ...attentionScores(
        headsOf(40, () => 1),
        { begin: 9, end: 9 },
      ),
    ],
    [],
  );
  assert.deepEqual(
    [
      ...attentionScores(
        headsOf(40, () => 1),
        { begin: 1, end: 3 },
      ),
    ],
    [0, 0],
  );
});
