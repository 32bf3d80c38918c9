/** The definitions of rows.ts in f64. R rows, D width. */
import type { GateActivation, RopeShape } from "./rows.ts";

/** out[r,:] = x[r,:] / √(mean(x[r,:]²) + eps) · weight */
export function rmsnormReference(x: Float32Array, weight: Float32Array, eps: number): Float64Array {
  const D = weight.length;
  return Float64Array.from(x, (value, i) => {
    const row = x.subarray(i - (i % D), i - (i % D) + D);
    const meanSquare = row.reduce((sum, v) => sum + v * v, 0) / D;
    return (value / Math.sqrt(meanSquare + eps)) * weight[i % D];
  });
}

export function fillRowsReference(bias: Float32Array, R: number): Float64Array {
  return Float64Array.from({ length: R * bias.length }, (_, i) => bias[i % bias.length]);
}

/** silu(x) = x / (1 + e^−x);  gelu(x) = x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³))), Hendrycks & Gimpel 2016, arXiv 1606.08415 */
export function gateMulReference(activation: GateActivation, gate: Float32Array, up: Float32Array): Float64Array {
  const silu = (x: number) => x / (1 + Math.exp(-x));
  const gelu = (x: number) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
  return Float64Array.from(gate, (x, i) => (activation === "silu" ? silu(x) : gelu(x)) * up[i]);
}

/** Every pair (a, b) of a head turns by its angle(token, pair): (a·cos − b·sin, b·cos + a·sin). x [tokens][heads][headDim] */
export function ropeReference(
  x: Float32Array,
  { heads, headDim, rotary, interleaved }: RopeShape,
  angle: (token: number, pair: number) => number,
): Float64Array {
  const out = Float64Array.from(x);
  for (let head = 0; head < x.length / headDim; head++) {
    for (let pair = 0; pair < rotary / 2; pair++) {
      const first = head * headDim + (interleaved ? 2 * pair : pair);
      const second = first + (interleaved ? 1 : rotary / 2);
      const turn = angle(Math.floor(head / heads), pair);
      out[first] = x[first] * Math.cos(turn) - x[second] * Math.sin(turn);
      out[second] = x[second] * Math.cos(turn) + x[first] * Math.sin(turn);
    }
  }
  return out;
}
