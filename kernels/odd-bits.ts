// The parts of 5- and 6-bit quants that are spread over byte vectors (panel.ts). Masks come from memory: V8 rebuilds a constant vector,
// three instructions, at every use in a loop, but keeps or reloads one that was loaded.

const MASKS = memory.data<u8>([
  31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31, 31,
  7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24,
  1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
  2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
  4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
  8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8,
  16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
  15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
  63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63,
  3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
  12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12,
  48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48, 48,
]);
export const LOW_5: usize = 0;
const LOW_3: usize = 16;
const BITS_3_4: usize = 32;
const BIT: usize = 48; // five masks of one bit, lowest first
export const LOW_4: usize = 128;
export const LOW_6: usize = 144;
const PAIR: usize = 160; // three masks of two bits

// @ts-ignore: decorator
@inline
export function mask(which: usize): v128 {
  return v128.load(MASKS + which);
}

/** Quant vector 10 + n from byte vectors 2n and 2n + 1. */
// @ts-ignore: decorator
@inline
export function spreadFive(even: v128, odd: v128): v128 {
  return v128.or(v128.and(i16x8.shr_u(even, 5), mask(LOW_3)), v128.and(i16x8.shr_u(odd, 2), mask(BITS_3_4)));
}

/** Quant vector 15 from the top bits of byte vectors 1, 3, 5, 7, 9. */
// @ts-ignore: decorator
@inline
export function topFive(b1: v128, b3: v128, b5: v128, b7: v128, b9: v128): v128 {
  const low = v128.or(v128.and(i16x8.shr_u(b1, 7), mask(BIT)), v128.and(i16x8.shr_u(b3, 6), mask(BIT + 16)));
  const middle = v128.or(v128.and(i16x8.shr_u(b5, 5), mask(BIT + 32)), v128.and(i16x8.shr_u(b7, 4), mask(BIT + 48)));
  return v128.or(v128.or(low, middle), v128.and(i16x8.shr_u(b9, 3), mask(BIT + 64)));
}

/** Quant vector 12 + n from byte vectors 3n, 3n + 1, 3n + 2. */
// @ts-ignore: decorator
@inline
export function spreadSix(first: v128, second: v128, third: v128): v128 {
  const low = v128.or(v128.and(i16x8.shr_u(first, 6), mask(PAIR)), v128.and(i16x8.shr_u(second, 4), mask(PAIR + 16)));
  return v128.or(low, v128.and(i16x8.shr_u(third, 2), mask(PAIR + 32)));
}
