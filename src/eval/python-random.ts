/**
 * Python's random numbers, draw for draw: with them our generators make the very samples that a Python program made
 * from the same seed.
 *
 * MT19937 (Matsumoto and Nishimura 1998), seeded and read as CPython's `random` (3.11) and numpy's legacy `RandomState` do.
 */
import type { Random } from "./types.ts";

const SIZE = 624;
const SHIFT = 397;

/** `random.Random(seed)`. A fork is `random.Random(seed)` anew, whatever its name: how Python programs fix one order. */
export function createPythonRandom(seed: number): Random {
  const word = mersenneTwister(seededByArray(wordsOf(seed)));
  const bits = (count: number) => word() >>> (32 - count);

  // CPython draws the bits of n itself, not of n - 1, and draws again until the number is below n.
  function int(n: number): number {
    if (!(n >= 1 && n < 2 ** 32)) throw new Error(`python-random: expected a bound below 2 ** 32, got ${n}`);
    const count = 32 - Math.clz32(n);
    let drawn = bits(count);
    while (drawn >= n) drawn = bits(count);
    return drawn;
  }

  return {
    next: () => ((word() >>> 5) * 2 ** 26 + (word() >>> 6)) / 2 ** 53,
    int,
    between: (low, high) => low + int(high - low + 1),
    pick: (items) => items[int(items.length)],
    sample(items, count) {
      const n = items.length;
      if (count > n) throw new Error(`python-random: ${count} of ${n} items`);
      // CPython's choice between two methods, which draw differently.
      const setSize = count > 5 ? 21 + 4 ** Math.ceil(Math.log(count * 3) / Math.log(4)) : 21;
      if (n > setSize) {
        const taken = new Set<number>();
        while (taken.size < count) taken.add(int(n));
        return Array.from(taken, (index) => items[index]);
      }
      const pool = [...items];
      return Array.from({ length: count }, (_, i) => {
        const j = int(n - i);
        const item = pool[j];
        pool[j] = pool[n - i - 1];
        return item;
      });
    },
    shuffle(items) {
      const shuffled = [...items];
      for (let i = shuffled.length - 1; i > 0; i--) {
        const j = int(i + 1);
        [shuffled[i], shuffled[j]] = [shuffled[j], shuffled[i]];
      }
      return shuffled;
    },
    uuid() {
      // getrandbits(128) draws the lowest word first.
      let hex = "";
      for (let i = 0; i < 4; i++) hex = word().toString(16).padStart(8, "0") + hex;
      const variant = ((Number.parseInt(hex[16], 16) & 3) | 8).toString(16);
      hex = `${hex.slice(0, 12)}4${hex.slice(13, 16)}${variant}${hex.slice(17)}`;
      return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
    },
    fork: () => createPythonRandom(seed),
  };
}

/** `numpy.random.seed(seed)`, then `randint(low, high + 1)` by each call. */
export function createNumpyRandom(seed: number): Pick<Random, "between"> {
  const word = mersenneTwister(seededByNumber(seed));
  return {
    between(low, high) {
      const range = high - low;
      // The lowest bits that can hold the range, drawn again until they do not pass it.
      const mask = 2 ** (32 - Math.clz32(range)) - 1;
      let drawn = (word() & mask) >>> 0;
      while (drawn > range) drawn = (word() & mask) >>> 0;
      return low + drawn;
    },
  };
}

/** 32 random bits by each call. */
function mersenneTwister(state: Uint32Array): () => number {
  let at = SIZE;
  return () => {
    if (at === SIZE) {
      twist(state);
      at = 0;
    }
    let y = state[at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
}

function twist(state: Uint32Array): void {
  for (let i = 0; i < SIZE; i++) {
    const y = (state[i] & 0x80000000) | (state[(i + 1) % SIZE] & 0x7fffffff);
    state[i] = state[(i + SHIFT) % SIZE] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
  }
}

function seededByNumber(seed: number): Uint32Array {
  const state = new Uint32Array(SIZE);
  state[0] = seed;
  for (let i = 1; i < SIZE; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
  return state;
}

function seededByArray(key: readonly number[]): Uint32Array {
  const state = seededByNumber(19650218);
  let i = 1;
  const mixed = (factor: number) => state[i] ^ Math.imul(state[i - 1] ^ (state[i - 1] >>> 30), factor);
  const step = () => {
    if (++i < SIZE) return;
    state[0] = state[SIZE - 1];
    i = 1;
  };
  for (let k = 0; k < Math.max(SIZE, key.length); k++) {
    const j = k % key.length;
    state[i] = mixed(1664525) + key[j] + j;
    step();
  }
  for (let k = 1; k < SIZE; k++) {
    state[i] = mixed(1566083941) - i;
    step();
  }
  state[0] = 0x80000000;
  return state;
}

/** A whole number in words of 32 bits, lowest first. */
function wordsOf(seed: number): number[] {
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`python-random: expected a whole seed, got ${seed}`);
  return seed < 2 ** 32 ? [seed] : [seed % 2 ** 32, Math.floor(seed / 2 ** 32)];
}
