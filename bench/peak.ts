// What this machine can do at most, as far as WebAssembly lets it: the arithmetic of the kernels with sums in registers and operands
// in L1, without what kernels have besides, and reading memory. Compiled and run by bench/peaks.js.
// Loops multiply 4 vectors, which stay in registers, with 2 that are loaded, and go over OPERANDS bytes of these `rounds` times:
// rounds · OPERANDS / 32 · 8 products of two vectors of 128 bits.
import { dot8, madd } from "../kernels/simd";

const OPERANDS: usize = 8192;

/** i8 × at most 5 bits: sums of so many steps in i16 (8 for 4 bits, 4 for 5, as in kernels/tile-int8.ts), then in i32. */
export function narrow(at: usize, rounds: i32, steps: i32): void {
  const ones = i16x8.splat(1);
  const x0 = v128.load(at),
    x1 = v128.load(at, 16),
    x2 = v128.load(at, 32),
    x3 = v128.load(at, 48);
  let sum00 = i32x4.splat(0),
    sum01 = sum00,
    sum10 = sum00,
    sum11 = sum00,
    sum20 = sum00,
    sum21 = sum00,
    sum30 = sum00,
    sum31 = sum00;
  for (let round = 0; round < rounds; round++)
    for (let p = at; p < at + OPERANDS; ) {
      let w0 = v128.load(p),
        w1 = v128.load(p, 16);
      let h00 = dot8(x0, w0),
        h01 = dot8(x0, w1),
        h10 = dot8(x1, w0),
        h11 = dot8(x1, w1),
        h20 = dot8(x2, w0),
        h21 = dot8(x2, w1),
        h30 = dot8(x3, w0),
        h31 = dot8(x3, w1);
      const end = p + ((<usize>steps) << 5);
      for (p += 32; p < end; p += 32) {
        w0 = v128.load(p);
        w1 = v128.load(p, 16);
        h00 = i16x8.add(h00, dot8(x0, w0));
        h01 = i16x8.add(h01, dot8(x0, w1));
        h10 = i16x8.add(h10, dot8(x1, w0));
        h11 = i16x8.add(h11, dot8(x1, w1));
        h20 = i16x8.add(h20, dot8(x2, w0));
        h21 = i16x8.add(h21, dot8(x2, w1));
        h30 = i16x8.add(h30, dot8(x3, w0));
        h31 = i16x8.add(h31, dot8(x3, w1));
      }
      sum00 = step<i16>(sum00, h00, ones, ones);
      sum01 = step<i16>(sum01, h01, ones, ones);
      sum10 = step<i16>(sum10, h10, ones, ones);
      sum11 = step<i16>(sum11, h11, ones, ones);
      sum20 = step<i16>(sum20, h20, ones, ones);
      sum21 = step<i16>(sum21, h21, ones, ones);
      sum30 = step<i16>(sum30, h30, ones, ones);
      sum31 = step<i16>(sum31, h31, ones, ones);
    }
  keep(at, sum00, sum01, sum10, sum11);
  keep(at, sum20, sum21, sum30, sum31);
}

/** i8 × 7 bits: sums in i32 at every step, as in attention. */
export function seven(at: usize, rounds: i32): void {
  tile<i8>(at, rounds);
}

export function sixteen(at: usize, rounds: i32): void {
  tile<i16>(at, rounds);
}

export function float(at: usize, rounds: i32): void {
  tile<f32>(at, rounds);
}

function tile<T>(at: usize, rounds: i32): void {
  const ones = i16x8.splat(1);
  const x0 = v128.load(at),
    x1 = v128.load(at, 16),
    x2 = v128.load(at, 32),
    x3 = v128.load(at, 48);
  let sum00 = i32x4.splat(0),
    sum01 = sum00,
    sum10 = sum00,
    sum11 = sum00,
    sum20 = sum00,
    sum21 = sum00,
    sum30 = sum00,
    sum31 = sum00;
  for (let round = 0; round < rounds; round++)
    for (let p = at; p < at + OPERANDS; p += 32) {
      const w0 = v128.load(p),
        w1 = v128.load(p, 16);
      sum00 = step<T>(sum00, x0, w0, ones);
      sum01 = step<T>(sum01, x0, w1, ones);
      sum10 = step<T>(sum10, x1, w0, ones);
      sum11 = step<T>(sum11, x1, w1, ones);
      sum20 = step<T>(sum20, x2, w0, ones);
      sum21 = step<T>(sum21, x2, w1, ones);
      sum30 = step<T>(sum30, x3, w0, ones);
      sum31 = step<T>(sum31, x3, w1, ones);
    }
  keep(at, sum00, sum01, sum10, sum11);
  keep(at, sum20, sum21, sum30, sum31);
}

/** sum + x · w over adjacent pairs of integers, or over floats one by one. */
function step<T>(sum: v128, x: v128, w: v128, ones: v128): v128 {
  if (isFloat<T>()) return madd(x, w, sum);
  if (sizeof<T>() === 2) return i32x4.add(sum, i32x4.dot_i16x8_s(x, w));
  return i32x4.add(sum, i32x4.dot_i16x8_s(dot8(x, w), ones));
}

/** Reads `bytes`, a multiple of 64, and leaves something of them behind the operands at `to`. */
export function read(at: usize, bytes: usize, to: usize): void {
  let a = i32x4.splat(0),
    b = a,
    c = a,
    d = a;
  for (const end = at + bytes; at < end; at += 64) {
    a = v128.xor(a, v128.load(at));
    b = v128.xor(b, v128.load(at, 16));
    c = v128.xor(c, v128.load(at, 32));
    d = v128.xor(d, v128.load(at, 48));
  }
  keep(to, a, b, c, d);
}

/** So that nothing is left out because nobody needs it. */
function keep(at: usize, a: v128, b: v128, c: v128, d: v128): void {
  v128.store(at + OPERANDS, v128.xor(v128.xor(a, b), v128.xor(c, d)));
}
