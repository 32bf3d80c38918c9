/**
 * Merging instead of dropping: the value of each dropped slot i goes into the kept slot j with the most similar key.
 *
 *   j = argmax over kept slots of cos(k_i, k_j)     w_i = max(0, cos) · ‖v_i‖ / (‖v_i‖ + ‖v_j‖ + 1e-6)
 *   v_j ← (v_j + Σ_i w_i v_i) / (1 + Σ_i w_i)
 *
 * Keys stay. kvpress MergingPress, with all kept slots as candidates; here those at most `neighbours` slots away, which makes
 * it linear in the length.
 */
import { norms } from "./score/vectors.ts";

export interface MergeRequest {
  /** f32 [slots][headDim] of one head, after RoPE. */
  readonly keys: Float32Array;
  /** f32 [slots][headDim] */
  readonly values: Float32Array;
  readonly headDim: number;
  /** Slots that stay, ascending. */
  readonly kept: Int32Array;
  /** Slots between a dropped one and the farthest candidate. */
  readonly neighbours?: number;
}

/** Values of the kept slots with what was dropped around them: f32 [kept][headDim]. Those that nothing goes into are untouched. */
export function mergeDropped({ keys, values, headDim, kept, neighbours = 512 }: MergeRequest): Float32Array {
  const slots = values.length / headDim;
  const keyNorms = norms(keys, headDim);
  const valueNorms = norms(values, headDim);
  const sums = new Float64Array(kept.length * headDim);
  const weights = new Float64Array(kept.length);
  let start = 0;
  let next = 0;
  for (let slot = 0; slot < slots; slot++) {
    while (start < kept.length && kept[start] < slot - neighbours) start++;
    if (kept[next] === slot) {
      next++;
      continue;
    }
    let best = 0;
    let target = -1;
    for (let candidate = start; candidate < kept.length && kept[candidate] <= slot + neighbours; candidate++) {
      const similarity = dot(keys, slot * headDim, kept[candidate] * headDim, headDim) / keyNorms[kept[candidate]];
      if (similarity > best) {
        best = similarity;
        target = candidate;
      }
    }
    if (target < 0) continue;
    const share = valueNorms[slot] / (valueNorms[slot] + valueNorms[kept[target]] + 1e-6);
    const weight = (best / keyNorms[slot]) * share;
    weights[target] += weight;
    for (let c = 0; c < headDim; c++) sums[target * headDim + c] += weight * values[slot * headDim + c];
  }
  const merged = new Float32Array(kept.length * headDim);
  kept.forEach((slot, index) => {
    const own = values.subarray(slot * headDim, (slot + 1) * headDim);
    const mean = own.map((value, c) => (value + sums[index * headDim + c]) / (1 + weights[index]));
    merged.set(weights[index] > 0 ? mean : own, index * headDim);
  });
  return merged;
}

/** Of two rows of x that start at a and b. */
function dot(x: Float32Array, a: number, b: number, headDim: number): number {
  let sum = 0;
  for (let c = 0; c < headDim; c++) sum += x[a + c] * x[b + c];
  return sum;
}
