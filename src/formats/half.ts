/**
 * 16-bit floats as numbers. f16 is IEEE 754 binary16: sign, 5 bits of exponent (bias 15), 10 of fraction.
 * bf16 is the upper half of an f32.
 */

/** 2^(exponent - 25): the weight of the last fraction bit by exponent field, 1 for a normal number. */
const unitOfExponent = Float64Array.from({ length: 31 }, (_, exponent) => 2 ** (Math.max(exponent, 1) - 25));

const cast = new DataView(new ArrayBuffer(4));

/** The value of 16 bits; exact. */
export function f16ToF32(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction : 1024 + fraction) * unitOfExponent[exponent];
}

/** The nearest f16, ties to even, of a number that is taken as f32 first. Too large gives infinity, NaN one quiet NaN. */
export function f32ToF16(value: number): number {
  cast.setFloat32(0, value);
  const bits = cast.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fff_ffff;
  if (magnitude > 0x7f80_0000) return 0x7e00;
  // 65520 lies half way between the largest f16 and 2^16, and the tie goes up.
  if (magnitude >= 0x477f_f000) return sign | 0x7c00;
  if (magnitude < 0x3880_0000) {
    // Below 2^-14 an f16 counts units of 2^-24; adding and taking away 2^52 rounds a double to even.
    const units = Math.abs(cast.getFloat32(0)) * 2 ** 24;
    return sign | (units + 2 ** 52 - 2 ** 52);
  }
  // Dropping 13 bits with "half minus one, plus the last kept bit" is ties-to-even; a carry goes on into the exponent.
  const lastKept = (magnitude >>> 13) & 1;
  return sign | ((magnitude + 0xfff + lastKept - (112 << 23)) >>> 13);
}

/** The value of 16 bits; exact. */
export function bf16ToF32(bits: number): number {
  cast.setUint32(0, bits << 16);
  return cast.getFloat32(0);
}
