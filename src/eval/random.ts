/**
 * Seeded random numbers that split by name: a sample's numbers depend on the seed, its task, length and index, and on
 * nothing else, so the order of work and the number of workers change nothing.
 *
 * xoshiro128** 1.1 (Blackman and Vigna, https://prng.di.unimi.it), state from SHA-256 of the path of names.
 */
import { createHash } from "node:crypto";
import type { Random } from "./types.ts";

export function createRandom(...path: (string | number)[]): Random {
  const name = path.map((part) => `${typeof part}:${part}`).join("\u0000");
  const hash = createHash("sha256").update(name).digest();
  const state = Uint32Array.from({ length: 4 }, (_, i) => hash.readUInt32LE(4 * i));

  function bits(): number {
    const result = Math.imul(rotateLeft(Math.imul(state[1], 5), 7), 9) >>> 0;
    const shifted = state[1] << 9;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotateLeft(state[3], 11);
    return result;
  }

  const next = () => ((bits() >>> 5) * 2 ** 26 + (bits() >>> 6)) / 2 ** 53;
  const int = (n: number) => Math.floor(next() * n);
  const random: Random = {
    next,
    int,
    between: (low, high) => low + int(high - low + 1),
    pick: (items) => items[int(items.length)],
    sample<T>(items: readonly T[], count: number): T[] {
      if (count > items.length) throw new Error(`random: ${count} of ${items.length} items`);
      // Fisher-Yates that only touches what it takes.
      const moved = new Map<number, T>();
      return Array.from({ length: count }, (_, i) => {
        const j = i + int(items.length - i);
        const taken = moved.get(j) ?? items[j];
        moved.set(j, moved.get(i) ?? items[i]);
        return taken;
      });
    },
    shuffle: (items) => random.sample(items, items.length),
    uuid() {
      const bytes = Buffer.alloc(16);
      for (let i = 0; i < 4; i++) bytes.writeUInt32BE(bits(), 4 * i);
      bytes[6] = (bytes[6] & 0x0f) | 0x40;
      bytes[8] = (bytes[8] & 0x3f) | 0x80;
      return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
    },
    fork: (part) => createRandom(...path, part),
  };
  return random;
}

function rotateLeft(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}
