// The parts of 5- and 6-bit quants that are spread over byte vectors (panel.ts). Masks come from memory: V8 rebuilds a constant vector,
// three instructions, at every use in a loop, but keeps or reloads one that was loaded.

const MASKS = memory.data<u8>([
  31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31,
  63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63,
  15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
  7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24,
  8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8,
  16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
  3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
  12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12,
  48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48,
]);
export const LOW_5: usize = 0;
export const LOW_6: usize = 16;
export const LOW_4: usize = 32;
const LOW_3: usize = 48;
const BITS_3_4: usize = 64;
const BIT_3: usize = 80;
const BIT_4: usize = 96;
const PAIR: usize = 112; // three masks of two bits

// @ts-ignore: decorator
@inline
export function mask(which: usize): v128 {
  return v128.load(MASKS + which);
}

/** Steps 5 and 6 of 5 bits: three upper bits of one byte vector, the next two of another. */
// @ts-ignore: decorator
@inline
export function spreadFive(even: v128, odd: v128): v128 {
  return v128.or(v128.and(i16x8.shr_u(even, 5), mask(LOW_3)), v128.and(i16x8.shr_u(odd, 2), mask(BITS_3_4)));
}

/** Step 7 of 5 bits, from byte vectors 4, 1 and 3. */
// @ts-ignore: decorator
@inline
export function lastFive(b4: v128, b1: v128, b3: v128): v128 {
  const top = v128.or(v128.and(i16x8.shr_u(b1, 4), mask(BIT_3)), v128.and(i16x8.shr_u(b3, 3), mask(BIT_4)));
  return v128.or(v128.and(i16x8.shr_u(b4, 5), mask(LOW_3)), top);
}

/** Steps 6 and 7 of 6 bits: two upper bits of three byte vectors. */
// @ts-ignore: decorator
@inline
export function spreadSix(first: v128, second: v128, third: v128): v128 {
  const low = v128.or(v128.and(i16x8.shr_u(first, 6), mask(PAIR)), v128.and(i16x8.shr_u(second, 4), mask(PAIR + 16)));
  return v128.or(low, v128.and(i16x8.shr_u(third, 2), mask(PAIR + 32)));
}
