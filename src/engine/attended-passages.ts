/**
 * Where in a text an answer comes from: the passages that retrieval heads looked at. They are the 64 tokens in a row with the largest
 * sum of their scores (attention-scores.ts), then the largest that do not overlap; a share is a part of the sum of all scores.
 */
import { attentionScores, runSums } from "./attention-scores.ts";
import type { TracedHead } from "./types.ts";

const PASSAGE_TOKENS = 64;

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
  const scores = attentionScores(heads, { begin, end });
  return largestRuns(scores, PASSAGE_TOKENS, count).map(({ at, share }) => {
    const inside = scores.subarray(at, at + PASSAGE_TOKENS);
    const peak = begin + at + inside.indexOf(Math.max(...inside));
    return { begin: begin + at, end: Math.min(end, begin + at + PASSAGE_TOKENS), peak, share };
  });
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
