/** The definition of low-bit pages in f64: what 64 keys and values become, without codes in any order. */
import { f16ToF32, f32ToF16 } from "../formats/half.ts";
import type { LowBitFormat } from "./page-low.ts";

/** Numbers as a page keeps them, and the step of each: x is off by half of it at most. */
export interface Quantised {
  readonly values: Float64Array;
  readonly steps: Float64Array;
}

/** keys, values: [64][headDim]. Steps of turned keys are those before they are turned back. */
export function lowPageReference(
  keys: Float32Array,
  values: Float32Array,
  headDim: number,
  format: LowBitFormat,
): { keys: Quantised; values: Quantised } {
  const byChannel = (i: number) => i % headDim;
  const byToken = (i: number) => Math.floor(i / 32);
  const isRotated = format.keys.by === "rotated-token";
  // 8-bit keys by channel are multiplied as 7-bit integers, and such values as signed ones; both are symmetric.
  const levels = (bits: number, most: number) => Math.min(2 ** bits - 1, most);
  const k = isRotated
    ? quantise(rotateReference(keys, headDim), byToken, levels(format.keys.bits, 255))
    : quantise(keys, byChannel, levels(format.keys.bits, 126));
  const v =
    format.values.by === "token"
      ? quantise(values, byToken, levels(format.values.bits, 255))
      : quantise(values, byChannel, levels(format.values.bits, isRotated ? 255 : 254));
  return { keys: isRotated ? { ...k, values: rotateReference(k.values, headDim) } : k, values: v };
}

/** mean + step·(code − levels/2), code = round((x − mean) / step + levels/2), for all numbers of a group alike. */
function quantise(x: ArrayLike<number>, groupOf: (i: number) => number, levels: number): Quantised {
  const groups = new Map<number, number[]>();
  for (let i = 0; i < x.length; i++) {
    const group = groups.get(groupOf(i));
    if (group) group.push(i);
    else groups.set(groupOf(i), [i]);
  }
  const values = new Float64Array(x.length);
  const steps = new Float64Array(x.length);
  for (const group of groups.values()) {
    const low = Math.min(...group.map((i) => x[i]));
    const high = Math.max(...group.map((i) => x[i]));
    const mean = f16ToF32(f32ToF16((low + high) / 2));
    const step = roundedUp((2 * Math.max(high - mean, mean - low)) / levels);
    for (const i of group) {
      const code = step > 0 ? Math.min(levels, Math.max(0, Math.round((x[i] - mean) / step + levels / 2))) : levels / 2;
      values[i] = mean + step * (code - levels / 2);
      steps[i] = step;
    }
  }
  return { values, steps };
}

/** The least f16 that is not smaller. */
function roundedUp(value: number): number {
  const nearest = f32ToF16(value);
  return f16ToF32(f16ToF32(nearest) < value ? nearest + 1 : nearest);
}

/** Rows times the orthonormal Hadamard matrix, H[i][j] = (−1)^(bits that i and j share) / √size, in blocks of the greatest power of two. */
export function rotateReference(rows: ArrayLike<number>, headDim: number): Float64Array {
  const size = headDim & -headDim;
  const signs = Array.from({ length: size }, (_, bits) => sign(bits));
  return Float64Array.from(rows, (_, i) => {
    const block = i - (i % size);
    let sum = 0;
    for (let j = 0; j < size; j++) sum += signs[(i % size) & j] * rows[block + j];
    return sum / Math.sqrt(size);
  });
}

function sign(bits: number): number {
  let result = 1;
  for (let rest = bits; rest; rest &= rest - 1) result = -result;
  return result;
}
