/**
 * Expected attention: how much queries at the next positions would attend to a key, if they are distributed as those so far.
 * With mean μ and covariance Σ of a head's queries before RoPE, R̄ the average rotation over the `future` positions:
 *
 *   z_j = (R̄μ)·k_j / √d + k_jᵀ (R̄ΣR̄ᵀ) k_j / 2d            p = softmax of z without the first 4 tokens
 *   score_j = (mean of p_j over the query heads + ε) · ‖v_j‖    the first 4: the layer's highest + 1
 *
 * Devoto et al. 2025, arXiv 2510.00636; kvpress ExpectedAttentionPress: without the value norm there is no ε.
 */
import { z } from "zod";
import { techniqueOptions } from "../../technique.ts";
import { type AverageRotation, averageRotation, rotate, rotateVariance } from "./average-rotation.ts";
import { choleskyRows } from "./cholesky.ts";
import { raiseForced } from "./forced.ts";
import { defineScore, forEachHead } from "./score.ts";
import { slotsBelow } from "./slots.ts";
import { norms } from "./vectors.ts";

/** First tokens, which draw attention whatever they say. */
const sinks = 4;

export const expectedAttention = defineScore({
  id: "expected-attention",
  summary: "what future queries, distributed as those so far, would attend to",
  source: "Devoto et al. 2025, arXiv 2510.00636; kvpress ExpectedAttentionPress",
  options: techniqueOptions("expected-attention", {
    /** diagonal: of the covariance only the variances. stored: statistics of a calibration instead of this text's own. */
    mode: z.enum(["full", "diagonal", "stored"]).default("full"),
    /** Positions after the text that are averaged over. */
    future: z.number().int().min(1).max(65536).default(512),
    valueNorm: z.boolean().default(true),
    epsilon: z.number().min(0).default(0),
  }),
  needs: ({ mode }) => (mode === "stored" ? { calibration: true } : { statistics: true }),
  score(view, { mode, future, valueNorm, epsilon }) {
    const rotation = averageRotation(view.rotary, view.length, future);
    const groupSize = view.numHeads / view.numKvHeads;
    const scores = forEachHead(view, (kvHead) => {
      const from = slotsBelow(view.positions(kvHead), sinks);
      const keys = view.keys(kvHead);
      const mean = new Float64Array(keys.length / view.headDim);
      for (let head = kvHead * groupSize; head < (kvHead + 1) * groupSize; head++) {
        const { mean: query, covariance } = view.queryStatistics(head);
        const quadratic =
          mode === "diagonal"
            ? diagonalForm(keys, turnedVariances(covariance, view.headDim, rotation))
            : view.projected(kvHead, "keys", turnedRoot(covariance, view.headDim, rotation), 2);
        const logits = expectedLogits(keys, turned(query, rotation), quadratic);
        addSoftmax(mean, logits.subarray(from), from, 1 / groupSize);
      }
      if (!valueNorm) return Float32Array.from(mean);
      return norms(view.values(kvHead), view.headDim).map((norm, slot) => (mean[slot] + epsilon) * norm);
    });
    return raiseForced(scores, (kvHead, slot) => view.positions(kvHead)[slot] < sinks);
  },
});

/** z_j = mean·k_j / √d + quadratic_j: [slots] */
function expectedLogits(keys: Float32Array, mean: Float64Array, quadratic: ArrayLike<number>): Float64Array {
  const headDim = mean.length;
  return Float64Array.from(quadratic, (form, slot) => {
    let dot = 0;
    for (let c = 0; c < headDim; c++) dot += mean[c] * keys[slot * headDim + c];
    return dot / Math.sqrt(headDim) + form;
  });
}

function turned(mean: Float64Array, rotation: AverageRotation): Float64Array {
  const result = Float64Array.from(mean);
  rotate(rotation, result);
  return result;
}

/** M with |M k|² = kᵀ (R̄ΣR̄ᵀ) k / 2d: f32 [headDim][headDim] */
function turnedRoot(covariance: Float64Array, headDim: number, rotation: AverageRotation): Float32Array {
  const root = new Float32Array(headDim * headDim);
  choleskyRows(covariance, headDim).forEach((row, r) => {
    rotate(rotation, row);
    root.set(
      row.map((value) => value / Math.sqrt(2 * headDim)),
      r * headDim,
    );
  });
  return root;
}

/** Diagonal of R̄ΣR̄ᵀ / 2d, of the diagonal of Σ alone. */
function turnedVariances(covariance: Float64Array, headDim: number, rotation: AverageRotation): Float64Array {
  const diagonal = Float64Array.from({ length: headDim }, (_, c) => covariance[c * (headDim + 1)] / (2 * headDim));
  rotateVariance(rotation, diagonal);
  return diagonal;
}

function diagonalForm(keys: Float32Array, weights: Float64Array): Float64Array {
  return Float64Array.from({ length: keys.length / weights.length }, (_, slot) => {
    let sum = 0;
    for (let c = 0; c < weights.length; c++) sum += weights[c] * keys[slot * weights.length + c] ** 2;
    return sum;
  });
}

/** sum[from + i] += weight · softmax(logits)[i] */
function addSoftmax(sum: Float64Array, logits: Float64Array, from: number, weight: number): void {
  let highest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) highest = Math.max(highest, logit);
  let total = 0;
  for (const logit of logits) total += Math.exp(logit - highest);
  for (let i = 0; i < logits.length; i++) sum[from + i] += (weight * Math.exp(logits[i] - highest)) / total;
}
