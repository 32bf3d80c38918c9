/**
 * How much each token of a text was attended to by retrieval heads, out of what session.trace() gives.
 *
 *   r(h, p) = min over i ≥ p of the mean of w(h) over the 64 positions from i on      what it gives by recency: this only grows
 *   x(h, p) = max(0, w(h, p) − r(h, p))
 *   c(h)    = max over 16 tokens in a row of Σ x(h) / Σ x(h) over the text             near 1 for a head that retrieves
 *   s(p)    = Σ_h c(h)⁴ · x(h, p)
 *
 * w(h, p) is what KV head h gives position p in all steps of the answer. p runs over the text alone, i too, but what follows
 * the text counts in the means; the first 4 positions of all (sinks) are left out. Lesser sinks inside the text stay, in heads
 * that look at many places: c⁴ leaves little of them.
 *
 * Retrieval heads: Wu et al., arXiv 2404.15574. Here they are found anew for every answer, not beforehand on probes.
 */
import type { TracedHead } from "./types.ts";

const SINKS = 4;
const RUN_TOKENS = 16;
const RECENCY_TOKENS = 64;
const SHARPNESS = 4;

/** s(p) at the positions [begin, end); 0 among the first four of all. */
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
export function runSums(values: Float32Array | Float64Array, run: number): Float64Array {
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
