import assert from "node:assert/strict";
import { test } from "node:test";
import { randomFloats } from "../../../test/support/random.ts";
import { tokenScores } from "./scoring.ts";

const rows = [1, 2, 3].map((seed) => randomFloats(100, seed).map(Math.abs));

/** By the formula, in f64: heads, then neighbours with zeros past the ends, then spans. */
function brute(heads: "mean" | "maximum", pool: number, span: number): number[] {
  const joined = [...rows[0]].map((_, j) => {
    const values = rows.map((row) => row[j]);
    return heads === "mean" ? values.reduce((a, b) => a + b) / 3 : Math.max(...values);
  });
  const pooled = joined.map((_, j) => {
    let sum = 0;
    for (let d = -(pool - 1) / 2; d <= (pool - 1) / 2; d++) sum += joined[j + d] ?? 0;
    return sum / pool;
  });
  return pooled.map((_, j) => {
    const part = pooled.slice(j - (j % span), j - (j % span) + span);
    return part.reduce((a, b) => a + b) / part.length;
  });
}

for (const heads of ["mean", "maximum"] as const)
  for (const [pool, span] of [
    [1, 1],
    [7, 1],
    [13, 32],
  ])
    test(`${heads} over heads, ${pool} neighbours, spans of ${span}: within 1e-6 of the formula`, () => {
      const scores = tokenScores(rows, { heads, pool, span });
      const expected = brute(heads, pool, span);
      assert.equal(scores.length, 100);
      scores.forEach((score, j) => {
        assert.ok(Math.abs(score - expected[j]) < 1e-6, `${j}: ${score}, not ${expected[j]}`);
      });
    });
