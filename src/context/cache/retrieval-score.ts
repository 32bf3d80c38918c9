/**
 * How far back a KV head looks, found without training: 0 if its queries see what is near, 1 if they see the beginning.
 * With q̄ and k̄ the means of a text's queries and keys before RoPE, R(p) the rotation at position p, of n tokens:
 *
 *   a = softmax over j = 0 … n−1 of (R(n−1) q̄)·(R(j) k̄) / √d          score = mean over j of a_0 + … + a_j
 *
 * averaged over the query heads of the group. Rotations act by differences: pairs of R(n−1) q̄ and R(j) k̄ give
 * (q·k) cos(Δf) + (q×k) sin(Δf) with Δ = n−1−j. Dimensions that do not turn give q·k.
 *
 * Xiao et al. 2024 (DuoAttention), arXiv 2410.10819, trains its scores; kvpress DuoAttentionPress ("on the fly") computes these.
 */
import type { RotaryView } from "./score/score.ts";

export interface MeanVectors {
  /** f64 [numHeads][headDim], before RoPE. */
  readonly queries: Float64Array;
  /** f64 [numKvHeads][headDim], before RoPE. */
  readonly keys: Float64Array;
  readonly headDim: number;
  /** Length of the text. */
  readonly tokens: number;
  readonly rotary: RotaryView;
}

/** [KV heads] */
export function retrievalScores({ queries, keys, headDim, tokens, rotary }: MeanVectors): Float64Array {
  const groupSize = queries.length / keys.length;
  const scores = new Float64Array(keys.length / headDim);
  const waves = wavesOf(rotary, tokens);
  const rowOf = (rows: Float64Array, index: number) => rows.subarray(index * headDim, (index + 1) * headDim);
  for (let head = 0; head < queries.length / headDim; head++) {
    const kvHead = Math.floor(head / groupSize);
    const logits = logitsByDistance(rowOf(queries, head), rowOf(keys, kvHead), rotary, waves);
    scores[kvHead] += reachOf(logits) / groupSize;
  }
  return scores;
}

interface Waves {
  /** [tokens][pairs], by distance. */
  readonly cosine: Float64Array;
  readonly sine: Float64Array;
}

function wavesOf({ inverse }: RotaryView, tokens: number): Waves {
  const angles = new Float64Array(tokens * inverse.length);
  for (let distance = 0; distance < tokens; distance++)
    for (let m = 0; m < inverse.length; m++) angles[distance * inverse.length + m] = distance * inverse[m];
  return { cosine: angles.map(Math.cos), sine: angles.map(Math.sin) };
}

/** [tokens]: of the key that stands so many tokens before the query. */
function logitsByDistance(
  query: Float64Array,
  key: Float64Array,
  { dimensions, interleaved, attentionFactor }: RotaryView,
  { cosine, sine }: Waves,
): Float64Array {
  const pairs = dimensions / 2;
  const logits = new Float64Array(cosine.length / pairs);
  const scale = 1 / Math.sqrt(query.length);
  for (let m = 0; m < pairs; m++) {
    const first = interleaved ? 2 * m : m;
    const second = interleaved ? 2 * m + 1 : m + pairs;
    const along = query[first] * key[first] + query[second] * key[second];
    const across = query[first] * key[second] - query[second] * key[first];
    for (let distance = 0; distance < logits.length; distance++) {
      const at = distance * pairs + m;
      logits[distance] += attentionFactor ** 2 * scale * (along * cosine[at] + across * sine[at]);
    }
  }
  let still = 0;
  for (let c = dimensions; c < query.length; c++) still += query[c] * key[c];
  return logits.map((logit) => logit + scale * still);
}

/** Mean over j of a_0 + … + a_j: a key `distance` before the last position is counted distance + 1 times. */
function reachOf(logits: Float64Array): number {
  let highest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) highest = Math.max(highest, logit);
  let total = 0;
  let counted = 0;
  logits.forEach((logit, distance) => {
    const weight = Math.exp(logit - highest);
    total += weight;
    counted += weight * (distance + 1);
  });
  return counted / (total * logits.length);
}
