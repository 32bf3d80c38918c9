/** The definitions of attention.ts in f64: no pages, no tiles, no running maximum. */
import type { AttentionShape } from "./attention.ts";

/** k, v [keys][numKvHeads][headDim]; q [tokens][numHeads][headDim]. */
export interface AttentionInputs {
  k: Float32Array;
  v: Float32Array;
  keyPositions: Int32Array;
  q: Float32Array;
  positions: Int32Array;
}

export interface AttentionResult {
  /** [tokens][numHeads][headDim]; 0 where a query sees no key. */
  out: Float64Array;
  /** ln Σ e^score, [tokens][numHeads]; −∞ where a query sees no key. */
  logSumExp: Float64Array;
}

/**
 * out = softmax(scale·q·kᵀ)·v. Head h reads KV head ⌊h / group⌋. A query at position p sees keys at positions in
 * (p − window, p], or up to p if window is 0.
 */
export function attentionReference(inputs: AttentionInputs, shape: AttentionShape): AttentionResult {
  const { k, v, keyPositions, q, positions } = inputs;
  const { numHeads, numKvHeads, headDim: D, scale, window } = shape;
  const out = new Float64Array(q.length);
  const logSumExp = new Float64Array(positions.length * numHeads);
  positions.forEach((position, t) => {
    const visible = [...keyPositions.keys()].filter((key) => {
      return keyPositions[key] <= position && (window === 0 || keyPositions[key] > position - window);
    });
    for (let head = 0; head < numHeads; head++) {
      const kvHead = Math.floor(head / (numHeads / numKvHeads));
      const row = (t * numHeads + head) * D;
      const rowOf = (key: number) => (key * numKvHeads + kvHead) * D;
      const scores = visible.map((key) => {
        let sum = 0;
        for (let c = 0; c < D; c++) sum += q[row + c] * k[rowOf(key) + c];
        return scale * sum;
      });
      const maximum = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - maximum));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      visible.forEach((key, i) => {
        for (let c = 0; c < D; c++) out[row + c] += (weights[i] / total) * v[rowOf(key) + c];
      });
      logSumExp[t * numHeads + head] = maximum + Math.log(total);
    }
  });
  return { out, logSumExp };
}

/** One result from those over disjoint sets of keys: out = Σ_s e^(logSumExp_s − logSumExp)·out_s. */
export function mergePartialsReference(parts: readonly AttentionResult[], headDim: number): AttentionResult {
  const logSumExp = parts[0].logSumExp.map((_, row) => {
    const own = parts.map((part) => part.logSumExp[row]);
    const maximum = Math.max(...own);
    if (maximum === -Infinity) return -Infinity;
    return maximum + Math.log(own.reduce((sum, value) => sum + Math.exp(value - maximum), 0));
  });
  const out = parts[0].out.map((_, i) => {
    const row = Math.floor(i / headDim);
    if (logSumExp[row] === -Infinity) return 0;
    return parts.reduce((sum, part) => sum + Math.exp(part.logSumExp[row] - logSumExp[row]) * part.out[i], 0);
  });
  return { out, logSumExp };
}
