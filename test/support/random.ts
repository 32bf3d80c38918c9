/** Seeded pseudo-random numbers for tests: the same on every machine, engine and run. */

/** Uniform numbers in [0, 1) with 32 random bits (mulberry32, Tommy Ettinger). */
export function random(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Normal numbers with mean 0 and deviation 1, as the sum of twelve uniform ones.
 * Not Box-Muller: its logarithm and cosine may differ in the last bit between engines, sums and products do not.
 */
export function normal(seed: number): () => number {
  const uniform = random(seed);
  return () => {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += uniform();
    return sum;
  };
}

/** `length` normal numbers with deviation `scale`. */
export function randomFloats(length: number, seed: number, scale = 1): Float32Array {
  const next = normal(seed);
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) values[i] = next() * scale;
  return values;
}

/** `length` bytes, every value as likely as another. */
export function randomBytes(length: number, seed: number): Uint8Array {
  const next = random(seed);
  return Uint8Array.from({ length }, () => next() * 256);
}
