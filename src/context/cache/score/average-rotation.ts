/**
 * The rotation R̄ that a query will have undergone on average over `count` positions from `from` on: pair (a, b) with frequency
 * f turns into (c̄·a − s̄·b, s̄·a + c̄·b), c̄ = mean cos(p·f), s̄ = mean sin(p·f). R̄ shortens what turns fast. For
 * one position it is the rotary embedding itself. Dimensions beyond the rotary ones do not turn.
 */
import type { RotaryView } from "./score.ts";

export interface AverageRotation {
  /** Of each pair, with the attention factor. */
  readonly cosine: Float64Array;
  readonly sine: Float64Array;
  /** First and second dimension of each pair. */
  readonly first: Int32Array;
  readonly second: Int32Array;
}

export function averageRotation(rotary: RotaryView, from: number, count: number): AverageRotation {
  const pairs = rotary.dimensions / 2;
  const mean = (wave: (angle: number) => number) =>
    rotary.inverse.map((frequency) => {
      let sum = 0;
      for (let position = from; position < from + count; position++) sum += wave(position * frequency);
      return (sum / count) * rotary.attentionFactor;
    });
  return {
    cosine: mean(Math.cos),
    sine: mean(Math.sin),
    first: Int32Array.from({ length: pairs }, (_, m) => (rotary.interleaved ? 2 * m : m)),
    second: Int32Array.from({ length: pairs }, (_, m) => (rotary.interleaved ? 2 * m + 1 : m + pairs)),
  };
}

/** x = R̄ x, in place: x is [headDim]. */
export function rotate({ cosine, sine, first, second }: AverageRotation, x: Float64Array): void {
  for (let m = 0; m < cosine.length; m++) {
    const a = x[first[m]];
    const b = x[second[m]];
    x[first[m]] = cosine[m] * a - sine[m] * b;
    x[second[m]] = sine[m] * a + cosine[m] * b;
  }
}

/** Diagonal of R̄ diag(x) R̄ᵀ in place: c̄²·a + s̄²·b and s̄²·a + c̄²·b. */
export function rotateVariance({ cosine, sine, first, second }: AverageRotation, x: Float64Array): void {
  for (let m = 0; m < cosine.length; m++) {
    const a = x[first[m]];
    const b = x[second[m]];
    x[first[m]] = cosine[m] ** 2 * a + sine[m] ** 2 * b;
    x[second[m]] = sine[m] ** 2 * a + cosine[m] ** 2 * b;
  }
}
