/** Pooling over neighbouring slots, so that a slot is not kept without those around it. */

export type Pooling = "mean" | "max";

/**
 * Of every value and its ⌊kernel / 2⌋ neighbours on each side, stride 1, kernel odd. Past both ends stand zeros, and they count:
 * the mean is always over `kernel` values.
 */
export function pool(values: Float32Array, kernel: number, pooling: Pooling): Float32Array {
  const half = kernel >> 1;
  return values.map((_, center) => {
    let sum = 0;
    let most = 0;
    for (let at = Math.max(0, center - half); at <= Math.min(values.length - 1, center + half); at++) {
      sum += values[at];
      if (values[at] > most) most = values[at];
    }
    return pooling === "mean" ? sum / kernel : most;
  });
}
