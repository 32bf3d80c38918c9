/** What a chunk's rows predict, taken from the decoder a few rows at a time. */
import type { Decoder } from "../model/decoder.ts";

/** Rows whose logits are computed at once. */
const LOGIT_ROWS = 32;

/** Logits of the chunk's first `rows` rows: [rows, vocabulary]. */
export function allLogits(decoder: Decoder, rows: number, vocabulary: number): Float32Array {
  const out = new Float32Array(rows * vocabulary);
  for (let first = 0; first < rows; first += LOGIT_ROWS) {
    const count = Math.min(LOGIT_ROWS, rows - first);
    const { logits, stride } = decoder.logits(first, count);
    for (let r = 0; r < count; r++)
      out.set(logits.subarray(r * stride, r * stride + vocabulary), (first + r) * vocabulary);
  }
  return out;
}

/** ln p(targets[row] | the tokens up to and with row's), NaN where the target is -1. Blocks without a target cost nothing. */
export function targetLogProbs(decoder: Decoder, targets: Int32Array, vocabulary: number): Float64Array {
  const out = new Float64Array(targets.length).fill(Number.NaN);
  for (let first = 0; first < targets.length; first += LOGIT_ROWS) {
    const count = Math.min(LOGIT_ROWS, targets.length - first);
    if (targets.subarray(first, first + count).every((target) => target < 0)) continue;
    const { logits, stride } = decoder.logits(first, count);
    for (let r = 0; r < count; r++) {
      const target = targets[first + r];
      if (target < 0) continue;
      const row = logits.subarray(r * stride, r * stride + vocabulary);
      out[first + r] = row[target] - logSumExp(row);
    }
  }
  return out;
}

/** What the output matrix sees of the chunk's first `rows` rows: f32 [rows, hiddenSize] after the last norm. */
export function allHidden(decoder: Decoder, rows: number): Float32Array {
  const { hiddenSize } = decoder.config;
  const out = new Float32Array(rows * hiddenSize);
  for (let first = 0; first < rows; first += LOGIT_ROWS)
    out.set(decoder.hidden(first, Math.min(LOGIT_ROWS, rows - first)), first * hiddenSize);
  return out;
}

export function logSumExp(row: Float32Array): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < row.length; i++) if (row[i] > max) max = row[i];
  let sum = 0;
  for (let i = 0; i < row.length; i++) sum += Math.exp(row[i] - max);
  return max + Math.log(sum);
}
