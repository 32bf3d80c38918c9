/** What all selections score by: attention over heads, and over neighbours, so that a token is not chosen without those around it. */
import { pool as pooled } from "../cache/score/pooling.ts";

export interface Scoring {
  readonly heads: "mean" | "maximum";
  /** Neighbours that are averaged over, the token among them; odd. */
  readonly pool: number;
  /** Tokens [n · span, (n + 1) · span) get the mean of their scores, so that they go on together or not at all. */
  readonly span?: number;
}

/** weights: for each query head f32 [tokens]. */
export function tokenScores(weights: readonly Float32Array[], { heads, pool, span = 1 }: Scoring): Float32Array {
  const overHeads = heads === "mean" ? mean(weights) : maximum(weights);
  return inSpans(pooled(overHeads, pool, "mean"), span);
}

function mean(weights: readonly Float32Array[]): Float32Array {
  return weights[0].map((_, token) => weights.reduce((sum, row) => sum + row[token], 0) / weights.length);
}

function maximum(weights: readonly Float32Array[]): Float32Array {
  return weights[0].map((_, token) => weights.reduce((most, row) => Math.max(most, row[token]), 0));
}

function inSpans(scores: Float32Array, span: number): Float32Array {
  if (span === 1) return scores;
  const out = new Float32Array(scores.length);
  for (let first = 0; first < scores.length; first += span) {
    const part = scores.subarray(first, first + span);
    out.fill(part.reduce((sum, score) => sum + score, 0) / part.length, first, first + span);
  }
  return out;
}
