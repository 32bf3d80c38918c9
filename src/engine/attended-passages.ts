/**
 * Where in a text an answer comes from: what session.trace() gives, reduced to the passages that retrieval heads looked at.
 *
 *   r(h, p) = min over i ≥ p of the mean of w(h) over the 64 positions from i on      what it gives by recency: this only grows
 *   x(h, p) = max(0, w(h, p) − r(h, p))
 *   c(h)    = max over 16 tokens in a row of Σ x(h) / Σ x(h) over the text             near 1 for a head that retrieves
 *   s(p)    = Σ_h c(h)⁴ · x(h, p)
 *
 * Passages are the 64 tokens in a row with the largest sum of s, then the largest that do not overlap; a share is a part of Σ s.
 * w(h, p) is what KV head h gives position p in all steps of the answer. p runs over the text alone, i too, but what follows
 * the text counts in the means; the first 4 positions of all (sinks) are left out. Lesser sinks inside the text stay, in heads
 * that look at many places: c⁴ leaves little of them.
 *
 * Retrieval heads: Wu et al., arXiv 2404.15574. Here they are found anew for every answer, not beforehand on probes.
 */
import type { TracedHead } from "./types.ts";

const SINKS = 4;
const RUN_TOKENS = 16;
const PASSAGE_TOKENS = 64;
const SHARPNESS = 4;

export interface AttendedPassage {
  /** Positions [begin, end). */
  readonly begin: number;
  readonly end: number;
  /** The position among them that is attended to most. */
  readonly peak: number;
  /** Of the attention that retrieval heads give the whole text: 0 to 1. */
  readonly share: number;
}

/** At most `count` passages of the text at positions [begin, end), the one attended to most first. */
export function attendedPassages(
  heads: readonly TracedHead[],
  { begin, end, count = 3 }: { begin: number; end: number; count?: number },
): AttendedPassage[] {
  const first = Math.max(begin, SINKS);
  const scores = new Float64Array(Math.max(0, end - first));
  for (const { weights } of heads) {
    const seen = withoutRecency(weights.subarray(first), scores.length);
    const total = seen.reduce((sum, weight) => sum + weight, 0);
    if (total === 0) continue;
    const factor = (runSums(seen, RUN_TOKENS).reduce((most, sum) => Math.max(most, sum)) / total) ** SHARPNESS;
    for (let i = 0; i < seen.length; i++) scores[i] += factor * seen[i];
  }
  return largestRuns(scores, PASSAGE_TOKENS, count).map(({ at, share }) => {
    const inside = scores.subarray(at, at + PASSAGE_TOKENS);
    const peak = first + at + inside.indexOf(Math.max(...inside));
    return { begin: first + at, end: Math.min(end, first + at + PASSAGE_TOKENS), peak, share };
  });
}

/** The first `length` weights less the largest profile below their means that falls nowhere. */
function withoutRecency(weights: Float32Array, length: number): Float64Array {
  const sums = runSums(weights, PASSAGE_TOKENS).subarray(0, length);
  const tokens = Math.min(PASSAGE_TOKENS, weights.length);
  const left = new Float64Array(length);
  let least = Number.POSITIVE_INFINITY;
  for (let p = length - 1; p >= 0; p--) {
    least = Math.min(least, sums[Math.min(p, sums.length - 1)]);
    left[p] = Math.max(0, weights[p] - least / tokens);
  }
  return left;
}

/** Runs of the largest sums, none overlapping another, with their share of the sum of all. */
function largestRuns(scores: Float64Array, run: number, count: number): { at: number; share: number }[] {
  const total = scores.reduce((sum, score) => sum + score, 0);
  const sums = runSums(scores, run);
  const found: { at: number; share: number }[] = [];
  while (found.length < count) {
    const at = sums.reduce((best, sum, i) => (sum > sums[best] ? i : best), 0);
    if (!(sums[at] > 0)) break;
    found.push({ at, share: sums[at] / total });
    sums.fill(0, Math.max(0, at - run + 1), at + run);
  }
  return found;
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
