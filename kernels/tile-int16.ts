// Tile of 4 rows × 8 columns on i16 products, for weights that do not fit 5 bits (Q8_0) or carry integer sub-scales (Q6_K, Q3_K, Q2_K):
//
//   c[r][n] = Σ_blocks  aScale·wScale·Σ a·q         block = 32 inputs, |a| ≤ 8,191, |q| ≤ 8,191: 32·8191² < 2³¹
//
// A third more instructions than tile-int8, but activations keep 14 bits. The steps are a loop for the same reason as there.
// Layouts: a [rows/4][K/2][4 rows × 2 inputs] i16; scales [rows/4][K/32][4] f32; w [block][16 steps][2][4 columns × 2 inputs] i16, then 8 scales f32.
import { lane32, madd } from "./simd";

export const UNPACKED_INT16_BYTES: usize = 544;

/** Rows M (rounded up to 4) against one unpacked panel; `ldc` is the row stride of c in bytes. */
export function tileInt16(
  M: i32,
  blocks: i32,
  a: usize,
  aTile: usize,
  scale: usize,
  scaleTile: usize,
  w: usize,
  c: usize,
  ldc: usize,
  accumulate: bool,
): void {
  const end = w + <usize>blocks * UNPACKED_INT16_BYTES;
  for (let m = 0; m < M; m += 4) {
    const c1 = c + ldc,
      c2 = c1 + ldc,
      c3 = c2 + ldc;
    let f00 = f32x4.splat(0),
      f01 = f32x4.splat(0),
      f10 = f32x4.splat(0),
      f11 = f32x4.splat(0),
      f20 = f32x4.splat(0),
      f21 = f32x4.splat(0),
      f30 = f32x4.splat(0),
      f31 = f32x4.splat(0);
    if (accumulate) {
      f00 = v128.load(c);
      f01 = v128.load(c, 16);
      f10 = v128.load(c1);
      f11 = v128.load(c1, 16);
      f20 = v128.load(c2);
      f21 = v128.load(c2, 16);
      f30 = v128.load(c3);
      f31 = v128.load(c3, 16);
    }
    let x = a,
      s = scale;
    for (let p = w; p < end; p += 32) {
      let w0 = v128.load(p),
        w1 = v128.load(p, 16),
        x4 = v128.load(x);
      let v = lane32(x4, 0);
      let i00 = i32x4.dot_i16x8_s(v, w0);
      let i01 = i32x4.dot_i16x8_s(v, w1);
      v = lane32(x4, 1);
      let i10 = i32x4.dot_i16x8_s(v, w0);
      let i11 = i32x4.dot_i16x8_s(v, w1);
      v = lane32(x4, 2);
      let i20 = i32x4.dot_i16x8_s(v, w0);
      let i21 = i32x4.dot_i16x8_s(v, w1);
      v = lane32(x4, 3);
      let i30 = i32x4.dot_i16x8_s(v, w0);
      let i31 = i32x4.dot_i16x8_s(v, w1);
      p += 32;
      x += 16;
      for (const last = p + 480; p < last; p += 32, x += 16) {
        w0 = v128.load(p);
        w1 = v128.load(p, 16);
        x4 = v128.load(x);
        v = lane32(x4, 0);
        i00 = i32x4.add(i00, i32x4.dot_i16x8_s(v, w0));
        i01 = i32x4.add(i01, i32x4.dot_i16x8_s(v, w1));
        v = lane32(x4, 1);
        i10 = i32x4.add(i10, i32x4.dot_i16x8_s(v, w0));
        i11 = i32x4.add(i11, i32x4.dot_i16x8_s(v, w1));
        v = lane32(x4, 2);
        i20 = i32x4.add(i20, i32x4.dot_i16x8_s(v, w0));
        i21 = i32x4.add(i21, i32x4.dot_i16x8_s(v, w1));
        v = lane32(x4, 3);
        i30 = i32x4.add(i30, i32x4.dot_i16x8_s(v, w0));
        i31 = i32x4.add(i31, i32x4.dot_i16x8_s(v, w1));
      }
      w0 = v128.load(p);
      w1 = v128.load(p, 16);
      const scales = v128.load(s);
      v = lane32(scales, 0);
      f00 = madd(f32x4.mul(v, w0), f32x4.convert_i32x4_s(i00), f00);
      f01 = madd(f32x4.mul(v, w1), f32x4.convert_i32x4_s(i01), f01);
      v = lane32(scales, 1);
      f10 = madd(f32x4.mul(v, w0), f32x4.convert_i32x4_s(i10), f10);
      f11 = madd(f32x4.mul(v, w1), f32x4.convert_i32x4_s(i11), f11);
      v = lane32(scales, 2);
      f20 = madd(f32x4.mul(v, w0), f32x4.convert_i32x4_s(i20), f20);
      f21 = madd(f32x4.mul(v, w1), f32x4.convert_i32x4_s(i21), f21);
      v = lane32(scales, 3);
      f30 = madd(f32x4.mul(v, w0), f32x4.convert_i32x4_s(i30), f30);
      f31 = madd(f32x4.mul(v, w1), f32x4.convert_i32x4_s(i31), f31);
      s += 16;
    }
    v128.store(c, f00);
    v128.store(c, f01, 16);
    v128.store(c1, f10);
    v128.store(c1, f11, 16);
    v128.store(c2, f20);
    v128.store(c2, f21, 16);
    v128.store(c3, f30);
    v128.store(c3, f31, 16);
    a += aTile;
    scale += scaleTile;
    c += ldc << 2;
  }
}
