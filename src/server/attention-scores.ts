/**
 * How much each token of a text was attended to by retrieval heads: s(p) of engine/attended-passages.ts, whose passages are the
 * largest sums of these scores. Their test holds the two together.
 */
import type { TracedHead } from "../engine/types.ts";

const SINKS = 4;
const RUN_TOKENS = 16;
const RECENCY_TOKENS = 64;
const SHARPNESS = 4;

/** For the positions [begin, end); those among the first four of all are 0. */
export function attentionScores(
  heads: readonly TracedHead[],
  { begin, end }: { begin: number; end: number },
): Float64Array {
  const first = Math.max(begin, SINKS);
  const scores = new Float64Array(Math.max(0, end - begin));
  for (const { weights } of heads) {
    const seen = withoutRecency(weights.subarray(first), Math.max(0, end - first));
    const total = seen.reduce((sum, weight) => sum + weight, 0);
    if (total === 0) continue;
    const factor = (largest(runSums(seen, RUN_TOKENS)) / total) ** SHARPNESS;
    for (let i = 0; i < seen.length; i++) scores[first - begin + i] += factor * seen[i];
  }
  return scores;
}

/** The first `length` weights less the largest profile below their means that falls nowhere. */
function withoutRecency(weights: Float32Array, length: number): Float64Array {
  const sums = runSums(weights, RECENCY_TOKENS).subarray(0, length);
  const tokens = Math.min(RECENCY_TOKENS, weights.length);
  const left = new Float64Array(length);
  let least = Number.POSITIVE_INFINITY;
  for (let p = length - 1; p >= 0; p--) {
    least = Math.min(least, sums[Math.min(p, sums.length - 1)]);
    left[p] = Math.max(0, weights[p] - least / tokens);
  }
  return left;
}

/** The sum of every `run` values in a row, or of all where there are fewer. */
function runSums(values: Float32Array | Float64Array, run: number): Float64Array {
  const length = Math.min(run, values.length);
  const sums = new Float64Array(values.length - length + 1);
  let before = 0;
  const through = Float64Array.from(values, (value) => {
    before += value;
    return before;
  });
  for (let at = 0; at < sums.length; at++) sums[at] = (through[at + length - 1] ?? 0) - (through[at - 1] ?? 0);
  return sums;
}

function largest(values: Float64Array): number {
  return values.reduce((most, value) => Math.max(most, value));
}
