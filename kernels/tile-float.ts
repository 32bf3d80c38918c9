// Tile of 4 rows × 8 columns in f32, for weights stored as F16, BF16 or F32: exact activations, a quarter of the integer speed.
// Layouts: a [rows/4][K][4 rows] f32; w [K][8 columns] f32 (UNPACKED_FLOAT_BYTES for 32 inputs).
import { madd } from "./simd";

export const UNPACKED_FLOAT_BYTES: usize = 1024;

/** Rows M (rounded up to 4) against one unpacked panel; `ldc` is the row stride of c in bytes. */
export function tileFloat(
  M: i32,
  blocks: i32,
  a: usize,
  aTile: usize,
  w: usize,
  c: usize,
  ldc: usize,
  accumulate: bool,
): void {
  const end = w + <usize>blocks * UNPACKED_FLOAT_BYTES;
  for (let m = 0; m < M; m += 4) {
    let f00 = f32x4.splat(0),
      f01 = f32x4.splat(0),
      f10 = f32x4.splat(0),
      f11 = f32x4.splat(0),
      f20 = f32x4.splat(0),
      f21 = f32x4.splat(0),
      f30 = f32x4.splat(0),
      f31 = f32x4.splat(0);
    const c0 = c;
    const c1 = c + ldc * 1;
    const c2 = c + ldc * 2;
    const c3 = c + ldc * 3;
    if (accumulate) {
      f00 = v128.load(c0);
      f01 = v128.load(c0, 16);
      f10 = v128.load(c1);
      f11 = v128.load(c1, 16);
      f20 = v128.load(c2);
      f21 = v128.load(c2, 16);
      f30 = v128.load(c3);
      f31 = v128.load(c3, 16);
    }
    let x = a;
    for (let p = w; p < end; p += 32) {
      const w0 = v128.load(p),
        w1 = v128.load(p, 16);
      let v = v128.load32_splat(x);
      f00 = madd(v, w0, f00);
      f01 = madd(v, w1, f01);
      v = v128.load32_splat(x, 4);
      f10 = madd(v, w0, f10);
      f11 = madd(v, w1, f11);
      v = v128.load32_splat(x, 8);
      f20 = madd(v, w0, f20);
      f21 = madd(v, w1, f21);
      v = v128.load32_splat(x, 12);
      f30 = madd(v, w0, f30);
      f31 = madd(v, w1, f31);
      x += 16;
    }
    v128.store(c0, f00);
    v128.store(c0, f01, 16);
    v128.store(c1, f10);
    v128.store(c1, f11, 16);
    v128.store(c2, f20);
    v128.store(c2, f21, 16);
    v128.store(c3, f30);
    v128.store(c3, f31, 16);
    a += aTile;
    c += ldc << 2;
  }
}
