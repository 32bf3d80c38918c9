// Inline helpers shared by the kernels. With relaxed SIMD one product step is a single instruction; without, it is emulated exactly.

/** i8 (signed) × i7 (0..127): sixteen products, adjacent pairs summed, as i16x8. */
// @ts-ignore: decorator
@inline
export function dot8(signed: v128, unsigned7: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i16x8.relaxed_dot_i8x16_i7x16_s(signed, unsigned7);
  const even = i16x8.mul(i16x8.shr_s(i16x8.shl(signed, 8), 8), i16x8.shr_s(i16x8.shl(unsigned7, 8), 8));
  return i16x8.add(even, i16x8.mul(i16x8.shr_s(signed, 8), i16x8.shr_s(unsigned7, 8)));
}

/** a·b + c */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** 1.5·2²³: a float below 2²² in size added to it leaves its nearest integer in the low bits of the sum. */
const MAGIC: f32 = 12582912;

/** The integer nearest to a·b, |a·b| < 2²². One multiply-add and one subtraction. */
// @ts-ignore: decorator
@inline
export function roundProduct(a: v128, b: v128): v128 {
  const magic = f32x4.splat(MAGIC);
  return i32x4.sub(madd(a, b, magic), magic);
}

// @ts-ignore: decorator
@inline
export function sum4(v: v128): f32 {
  v = f32x4.add(v, i8x16.shuffle(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  v = f32x4.add(v, i8x16.shuffle(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11));
  return f32x4.extract_lane(v, 0);
}

// @ts-ignore: decorator
@inline
export function max4(v: v128): f32 {
  v = f32x4.pmax(v, i8x16.shuffle(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  v = f32x4.pmax(v, i8x16.shuffle(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11));
  return f32x4.extract_lane(v, 0);
}

/** 2^x for x in [-126, 127]; smaller x are clamped. Relative error below 3e-6 (degree 4, minimax on [-1/2, 1/2]). */
// @ts-ignore: decorator
@inline
export function exp2x4(x: v128): v128 {
  x = f32x4.pmax(f32x4.splat(-126), x);
  const magic = f32x4.splat(MAGIC);
  const shifted = f32x4.add(x, magic); // the nearest integer in its low bits
  const f = f32x4.sub(x, f32x4.sub(shifted, magic));
  let p = madd(f32x4.splat(0.00958285), f, f32x4.splat(0.05590642));
  p = madd(p, f, f32x4.splat(0.24024099));
  p = madd(p, f, f32x4.splat(0.69312419));
  p = madd(p, f, f32x4.splat(1.0));
  return i32x4.add(p, i32x4.shl(shifted, 23)); // adds to the exponent field
}

/** Four f16 bit patterns, sign-extended to i32, as f32. Exact, subnormals too; infinities become large numbers. */
// @ts-ignore: decorator
@inline
export function halfToFloat(bits: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shl(bits, 13), i32x4.splat(0x8fffffff)), f32x4.splat(reinterpret<f32>(0x77800000))); // · 2^112
}

/**
 * Scales of panels are kept as f16 times 256: the super-scales of K-quants are often below 6e-5, and a multiplication with a
 * subnormal takes a hundred cycles more. Exact for |scale| < 256.
 */
// @ts-ignore: decorator
@inline
export function scaleToFloat(bits: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shl(bits, 13), i32x4.splat(0x8fffffff)), f32x4.splat(reinterpret<f32>(0x73800000))); // · 2^104
}

export function storeScale(address: usize, scale: f32): void {
  store<u16>(address, toHalf(max(min(scale * 256, <f32>65504), <f32>-65504)));
}

export function loadScale(address: usize): f32 {
  return half(address) / 256;
}

/** One f16 as f32. */
// @ts-ignore: decorator
@inline
export function half(address: usize): f32 {
  const bits = <i32>load<i16>(address);
  return reinterpret<f32>((bits << 13) & 0x8fffffff) * reinterpret<f32>(0x77800000);
}

/** f32 as f16 bits, rounded to nearest even; |v| must be below 65,504. */
// @ts-ignore: decorator
@inline
export function toHalf(v: f32): u16 {
  const sign = (reinterpret<u32>(v) >> 16) & 0x8000;
  // Scaling by 2^-112 makes the f32 exponent field that of f16; adding and removing nothing else, integer rounding does the rest.
  const bits = reinterpret<u32>(abs(v) * reinterpret<f32>(0x07800000));
  const rounded = (bits + 0x0fff + ((bits >> 13) & 1)) >> 13;
  return <u16>(sign | rounded);
}

/** The 32 bits of lane `n` in all four lanes. */
// @ts-ignore: decorator
@inline
export function lane32(v: v128, n: i32): v128 {
  if (n == 0) return i8x16.shuffle(v, v, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3);
  if (n == 1) return i8x16.shuffle(v, v, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7);
  if (n == 2) return i8x16.shuffle(v, v, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11);
  return i8x16.shuffle(v, v, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15);
}
