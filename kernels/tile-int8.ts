// Tile of 4 rows × 8 columns for weights of at most 5 bits: C[4][8] (+)= A[4][K] · W[K][8].
//
//   c[r][n] = Σ_blocks  aScale·wScale·Σ a·q  +  (aScale·Σ a)·wMin          block = 32 inputs
//
// Products of i8 × 5 bits, four steps deep, fit into i16 (4·2·31·127 = 31,496); of 4 bits, eight steps (8·2·15·127 = 30,480).
// Only then do sums widen to i32. The steps are a loop on purpose: unrolled, V8 computes one sum after the other and spills
// the weights (docs/LOG.md). The first step of a run is peeled off: it saves clearing the sums and one addition each.
// Layouts: a [rows/4][K/4][4 rows × 4 inputs] i8; scales [rows/4][K/32][4 scales, 4 scaled sums] f32;
// w [block][8 steps][2][4 columns × 4 inputs] u8, then 8 scales and 8 mins f32 (UNPACKED_INT8_BYTES a block).
import { dot8, lane32, madd } from "./simd";

export const UNPACKED_INT8_BYTES: usize = 320;

/** Rows M (rounded up to 4) against one unpacked panel of 4-bit weights; `ldc` is the row stride of c in bytes. */
export function tileInt8Bits4(M: i32, blocks: i32, a: usize, aTile: usize, scale: usize, scaleTile: usize, w: usize, c: usize, ldc: usize, accumulate: bool): void {
  tile(8, M, blocks, a, aTile, scale, scaleTile, w, c, ldc, accumulate);
}

/** The same for weights of up to 5 bits. */
export function tileInt8Bits5(M: i32, blocks: i32, a: usize, aTile: usize, scale: usize, scaleTile: usize, w: usize, c: usize, ldc: usize, accumulate: bool): void {
  tile(4, M, blocks, a, aTile, scale, scaleTile, w, c, ldc, accumulate);
}

/** `depth`: steps summed in i16, a constant 4 or 8. */
// @ts-ignore: decorator
@inline
function tile(depth: usize, M: i32, blocks: i32, a: usize, aTile: usize, scale: usize, scaleTile: usize, w: usize, c: usize, ldc: usize, accumulate: bool): void {
  const ones = i16x8.splat(1);
  const end = w + <usize>blocks * UNPACKED_INT8_BYTES;
  for (let m = 0; m < M; m += 4) {
    const c1 = c + ldc, c2 = c1 + ldc, c3 = c2 + ldc;
    let f00 = f32x4.splat(0), f01 = f32x4.splat(0), f10 = f32x4.splat(0), f11 = f32x4.splat(0), f20 = f32x4.splat(0), f21 = f32x4.splat(0), f30 = f32x4.splat(0), f31 = f32x4.splat(0);
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
    let x = a, s = scale;
    for (let p = w; p < end; p += 64) {
      let w0 = v128.load(p), w1 = v128.load(p, 16), x4 = v128.load(x);
      let v = lane32(x4, 0);
      let h00 = dot8(v, w0);
      let h01 = dot8(v, w1);
      v = lane32(x4, 1);
      let h10 = dot8(v, w0);
      let h11 = dot8(v, w1);
      v = lane32(x4, 2);
      let h20 = dot8(v, w0);
      let h21 = dot8(v, w1);
      v = lane32(x4, 3);
      let h30 = dot8(v, w0);
      let h31 = dot8(v, w1);
      p += 32;
      x += 16;
      for (const last = p + ((depth - 1) << 5); p < last; p += 32, x += 16) {
        w0 = v128.load(p); w1 = v128.load(p, 16); x4 = v128.load(x);
        v = lane32(x4, 0);
        h00 = i16x8.add(h00, dot8(v, w0));
        h01 = i16x8.add(h01, dot8(v, w1));
        v = lane32(x4, 1);
        h10 = i16x8.add(h10, dot8(v, w0));
        h11 = i16x8.add(h11, dot8(v, w1));
        v = lane32(x4, 2);
        h20 = i16x8.add(h20, dot8(v, w0));
        h21 = i16x8.add(h21, dot8(v, w1));
        v = lane32(x4, 3);
        h30 = i16x8.add(h30, dot8(v, w0));
        h31 = i16x8.add(h31, dot8(v, w1));
      }
      let i00 = i32x4.dot_i16x8_s(h00, ones);
      let i01 = i32x4.dot_i16x8_s(h01, ones);
      let i10 = i32x4.dot_i16x8_s(h10, ones);
      let i11 = i32x4.dot_i16x8_s(h11, ones);
      let i20 = i32x4.dot_i16x8_s(h20, ones);
      let i21 = i32x4.dot_i16x8_s(h21, ones);
      let i30 = i32x4.dot_i16x8_s(h30, ones);
      let i31 = i32x4.dot_i16x8_s(h31, ones);
      if (depth == 4) {
        w0 = v128.load(p); w1 = v128.load(p, 16); x4 = v128.load(x);
        v = lane32(x4, 0);
        h00 = dot8(v, w0);
        h01 = dot8(v, w1);
        v = lane32(x4, 1);
        h10 = dot8(v, w0);
        h11 = dot8(v, w1);
        v = lane32(x4, 2);
        h20 = dot8(v, w0);
        h21 = dot8(v, w1);
        v = lane32(x4, 3);
        h30 = dot8(v, w0);
        h31 = dot8(v, w1);
        p += 32;
        x += 16;
        for (const last = p + ((depth - 1) << 5); p < last; p += 32, x += 16) {
          w0 = v128.load(p); w1 = v128.load(p, 16); x4 = v128.load(x);
          v = lane32(x4, 0);
          h00 = i16x8.add(h00, dot8(v, w0));
          h01 = i16x8.add(h01, dot8(v, w1));
          v = lane32(x4, 1);
          h10 = i16x8.add(h10, dot8(v, w0));
          h11 = i16x8.add(h11, dot8(v, w1));
          v = lane32(x4, 2);
          h20 = i16x8.add(h20, dot8(v, w0));
          h21 = i16x8.add(h21, dot8(v, w1));
          v = lane32(x4, 3);
          h30 = i16x8.add(h30, dot8(v, w0));
          h31 = i16x8.add(h31, dot8(v, w1));
        }
        i00 = i32x4.add(i00, i32x4.dot_i16x8_s(h00, ones));
        i01 = i32x4.add(i01, i32x4.dot_i16x8_s(h01, ones));
        i10 = i32x4.add(i10, i32x4.dot_i16x8_s(h10, ones));
        i11 = i32x4.add(i11, i32x4.dot_i16x8_s(h11, ones));
        i20 = i32x4.add(i20, i32x4.dot_i16x8_s(h20, ones));
        i21 = i32x4.add(i21, i32x4.dot_i16x8_s(h21, ones));
        i30 = i32x4.add(i30, i32x4.dot_i16x8_s(h30, ones));
        i31 = i32x4.add(i31, i32x4.dot_i16x8_s(h31, ones));
      }
      const s0 = v128.load(p), s1 = v128.load(p, 16), min0 = v128.load(p, 32), min1 = v128.load(p, 48);
      const scales = v128.load(s), sums = v128.load(s, 16);
      let t = lane32(scales, 0), z = lane32(sums, 0);
      f00 = madd(f32x4.mul(t, s0), f32x4.convert_i32x4_s(i00), madd(z, min0, f00));
      f01 = madd(f32x4.mul(t, s1), f32x4.convert_i32x4_s(i01), madd(z, min1, f01));
      t = lane32(scales, 1); z = lane32(sums, 1);
      f10 = madd(f32x4.mul(t, s0), f32x4.convert_i32x4_s(i10), madd(z, min0, f10));
      f11 = madd(f32x4.mul(t, s1), f32x4.convert_i32x4_s(i11), madd(z, min1, f11));
      t = lane32(scales, 2); z = lane32(sums, 2);
      f20 = madd(f32x4.mul(t, s0), f32x4.convert_i32x4_s(i20), madd(z, min0, f20));
      f21 = madd(f32x4.mul(t, s1), f32x4.convert_i32x4_s(i21), madd(z, min1, f21));
      t = lane32(scales, 3); z = lane32(sums, 3);
      f30 = madd(f32x4.mul(t, s0), f32x4.convert_i32x4_s(i30), madd(z, min0, f30));
      f31 = madd(f32x4.mul(t, s1), f32x4.convert_i32x4_s(i31), madd(z, min1, f31));
      s += 32;
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
