/** The definitions of matmul.ts in f64, and what packing leaves of activations. */
import type { ActivationClass } from "./panels.ts";

/** out[r][n] = Σ_i x[r][i]·w[n][i] */
export function matmulReference(x: ArrayLike<number>, weights: ArrayLike<number>, inputs: number): Float64Array {
  const rows = x.length / inputs;
  const outputs = weights.length / inputs;
  const out = new Float64Array(rows * outputs);
  for (let r = 0; r < rows; r++)
    for (let n = 0; n < outputs; n++) {
      let sum = 0;
      for (let i = 0; i < inputs; i++) sum += x[r * inputs + i] * weights[n * inputs + i];
      out[r * outputs + n] = sum;
    }
  return out;
}

/** out[t] = factor · weights[ids[t]] */
export function embedReference(
  weights: Float32Array,
  ids: Int32Array,
  { inputs, factor }: { inputs: number; factor: number },
): Float64Array {
  return Float64Array.from({ length: ids.length * inputs }, (_, i) => {
    return factor * weights[ids[Math.floor(i / inputs)] * inputs + (i % inputs)];
  });
}

/** The largest quant of a packed activation. */
const levels = { int8: 127, int16: 8191 };

/** x as the kernels see it: in every 32, quants round(x·levels/largest) times largest/levels, each step rounded to f32. */
export function packedActivations(x: Float32Array, activations: ActivationClass): Float64Array {
  if (activations === "float") return Float64Array.from(x);
  const most = levels[activations];
  return Float64Array.from(x, (value, i) => {
    const block = x.subarray(i - (i % 32), i - (i % 32) + 32);
    const largest = block.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    if (largest === 0) return 0;
    return Math.fround(largest / most) * roundToEven(Math.fround(value * Math.fround(most / largest)));
  });
}

/** Adding 1.5·2^52 leaves a double no bits below one. */
function roundToEven(value: number): number {
  return value + 1.5 * 2 ** 52 - 1.5 * 2 ** 52;
}
