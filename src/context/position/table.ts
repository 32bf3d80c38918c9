/** Rotary tables. Angles are computed in f64: position · frequency in f32 is off by 0.06 rad at 10⁶. */
import type { Frequencies } from "./method.ts";

/** Fills `table` [positions][rotary/2 cosines, rotary/2 sines], times the attention factor and the scale of the row, if given. */
export function fillRopeTable(
  table: Float32Array,
  positions: ArrayLike<number>,
  { inverse, attentionFactor }: Frequencies,
  scaleOf?: (row: number) => number,
): void {
  const pairs = inverse.length;
  for (let t = 0; t < positions.length; t++) {
    const row = t * 2 * pairs;
    const scale = attentionFactor * (scaleOf?.(t) ?? 1);
    for (let m = 0; m < pairs; m++) {
      const angle = positions[t] * inverse[m];
      table[row + m] = scale * Math.cos(angle);
      table[row + pairs + m] = scale * Math.sin(angle);
    }
  }
}
