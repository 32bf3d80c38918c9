/**
 * RoPE as trained: the trivial member of the position axis.
 *
 *   angle(position, m) = position / factor · base^(−2m / rotary)        m = 0 … rotary/2 − 1
 *
 * Su et al. 2021, arXiv 2104.09864. Angles are computed in f64: position · frequency in f32 is off by 0.06 rad at 10⁶.
 */
export interface RopeFrequencies {
  readonly base: number;
  readonly factor: number;
  readonly rotary: number;
}

export function inverseFrequencies({ base, factor, rotary }: RopeFrequencies): Float64Array {
  return Float64Array.from({ length: rotary / 2 }, (_, m) => base ** ((-2 * m) / rotary) / factor);
}

/** Fills `table` [positions][rotary/2 cosines, rotary/2 sines]. */
export function fillRopeTable(table: Float32Array, positions: ArrayLike<number>, frequencies: Float64Array): void {
  const pairs = frequencies.length;
  for (let t = 0; t < positions.length; t++) {
    const row = t * 2 * pairs;
    for (let m = 0; m < pairs; m++) {
      const angle = positions[t] * frequencies[m];
      table[row + m] = Math.cos(angle);
      table[row + pairs + m] = Math.sin(angle);
    }
  }
}
