// Tile of 4 rows × 8 columns for weights of at most 5 bits: C[4][8] (+)= A[4][K] · W[K][8].
//
//   c[r][n] = Σ_blocks  aScale·wScale·Σ a·q  +  (aScale·Σ a)·wMin          block = 32 inputs
//
// Products of i8 × 5-bit, four steps deep, fit into i16 (4·2·31·127 = 31,496), so sums widen to i32 only twice a block.
// Layouts: a [rows/4][K/4][4 rows × 4 inputs] i8; scales [rows/4][K/32][4 scales, 4 scaled sums] f32;
// w [block][8 steps][2][4 columns × 4 inputs] u8, then 8 scales and 8 mins f32 (UNPACKED_INT8_BYTES a block).
import { dot8, madd } from "./simd";

export const UNPACKED_INT8_BYTES: usize = 320;

/** Rows M (rounded up to 4) against one unpacked panel; `ldc` is the row stride of c in bytes. */
export function tileInt8(
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
  const ones = i16x8.splat(1);
  const end = w + <usize>blocks * UNPACKED_INT8_BYTES;
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
    let s = scale;
    for (let block = w; block < end; block += UNPACKED_INT8_BYTES) {
      let w0 = v128.load(block, 0),
        w1 = v128.load(block, 16);
      let v = v128.load32_splat(x, 0);
      let h00 = dot8(v, w0);
      let h01 = dot8(v, w1);
      v = v128.load32_splat(x, 4);
      let h10 = dot8(v, w0);
      let h11 = dot8(v, w1);
      v = v128.load32_splat(x, 8);
      let h20 = dot8(v, w0);
      let h21 = dot8(v, w1);
      v = v128.load32_splat(x, 12);
      let h30 = dot8(v, w0);
      let h31 = dot8(v, w1);
      w0 = v128.load(block, 32);
      w1 = v128.load(block, 48);
      v = v128.load32_splat(x, 16);
      h00 = i16x8.add(h00, dot8(v, w0));
      h01 = i16x8.add(h01, dot8(v, w1));
      v = v128.load32_splat(x, 20);
      h10 = i16x8.add(h10, dot8(v, w0));
      h11 = i16x8.add(h11, dot8(v, w1));
      v = v128.load32_splat(x, 24);
      h20 = i16x8.add(h20, dot8(v, w0));
      h21 = i16x8.add(h21, dot8(v, w1));
      v = v128.load32_splat(x, 28);
      h30 = i16x8.add(h30, dot8(v, w0));
      h31 = i16x8.add(h31, dot8(v, w1));
      w0 = v128.load(block, 64);
      w1 = v128.load(block, 80);
      v = v128.load32_splat(x, 32);
      h00 = i16x8.add(h00, dot8(v, w0));
      h01 = i16x8.add(h01, dot8(v, w1));
      v = v128.load32_splat(x, 36);
      h10 = i16x8.add(h10, dot8(v, w0));
      h11 = i16x8.add(h11, dot8(v, w1));
      v = v128.load32_splat(x, 40);
      h20 = i16x8.add(h20, dot8(v, w0));
      h21 = i16x8.add(h21, dot8(v, w1));
      v = v128.load32_splat(x, 44);
      h30 = i16x8.add(h30, dot8(v, w0));
      h31 = i16x8.add(h31, dot8(v, w1));
      w0 = v128.load(block, 96);
      w1 = v128.load(block, 112);
      v = v128.load32_splat(x, 48);
      h00 = i16x8.add(h00, dot8(v, w0));
      h01 = i16x8.add(h01, dot8(v, w1));
      v = v128.load32_splat(x, 52);
      h10 = i16x8.add(h10, dot8(v, w0));
      h11 = i16x8.add(h11, dot8(v, w1));
      v = v128.load32_splat(x, 56);
      h20 = i16x8.add(h20, dot8(v, w0));
      h21 = i16x8.add(h21, dot8(v, w1));
      v = v128.load32_splat(x, 60);
      h30 = i16x8.add(h30, dot8(v, w0));
      h31 = i16x8.add(h31, dot8(v, w1));
      let i00 = i32x4.dot_i16x8_s(h00, ones);
      let i01 = i32x4.dot_i16x8_s(h01, ones);
      let i10 = i32x4.dot_i16x8_s(h10, ones);
      let i11 = i32x4.dot_i16x8_s(h11, ones);
      let i20 = i32x4.dot_i16x8_s(h20, ones);
      let i21 = i32x4.dot_i16x8_s(h21, ones);
      let i30 = i32x4.dot_i16x8_s(h30, ones);
      let i31 = i32x4.dot_i16x8_s(h31, ones);
      w0 = v128.load(block, 128);
      w1 = v128.load(block, 144);
      v = v128.load32_splat(x, 64);
      h00 = dot8(v, w0);
      h01 = dot8(v, w1);
      v = v128.load32_splat(x, 68);
      h10 = dot8(v, w0);
      h11 = dot8(v, w1);
      v = v128.load32_splat(x, 72);
      h20 = dot8(v, w0);
      h21 = dot8(v, w1);
      v = v128.load32_splat(x, 76);
      h30 = dot8(v, w0);
      h31 = dot8(v, w1);
      w0 = v128.load(block, 160);
      w1 = v128.load(block, 176);
      v = v128.load32_splat(x, 80);
      h00 = i16x8.add(h00, dot8(v, w0));
      h01 = i16x8.add(h01, dot8(v, w1));
      v = v128.load32_splat(x, 84);
      h10 = i16x8.add(h10, dot8(v, w0));
      h11 = i16x8.add(h11, dot8(v, w1));
      v = v128.load32_splat(x, 88);
      h20 = i16x8.add(h20, dot8(v, w0));
      h21 = i16x8.add(h21, dot8(v, w1));
      v = v128.load32_splat(x, 92);
      h30 = i16x8.add(h30, dot8(v, w0));
      h31 = i16x8.add(h31, dot8(v, w1));
      w0 = v128.load(block, 192);
      w1 = v128.load(block, 208);
      v = v128.load32_splat(x, 96);
      h00 = i16x8.add(h00, dot8(v, w0));
      h01 = i16x8.add(h01, dot8(v, w1));
      v = v128.load32_splat(x, 100);
      h10 = i16x8.add(h10, dot8(v, w0));
      h11 = i16x8.add(h11, dot8(v, w1));
      v = v128.load32_splat(x, 104);
      h20 = i16x8.add(h20, dot8(v, w0));
      h21 = i16x8.add(h21, dot8(v, w1));
      v = v128.load32_splat(x, 108);
      h30 = i16x8.add(h30, dot8(v, w0));
      h31 = i16x8.add(h31, dot8(v, w1));
      w0 = v128.load(block, 224);
      w1 = v128.load(block, 240);
      v = v128.load32_splat(x, 112);
      h00 = i16x8.add(h00, dot8(v, w0));
      h01 = i16x8.add(h01, dot8(v, w1));
      v = v128.load32_splat(x, 116);
      h10 = i16x8.add(h10, dot8(v, w0));
      h11 = i16x8.add(h11, dot8(v, w1));
      v = v128.load32_splat(x, 120);
      h20 = i16x8.add(h20, dot8(v, w0));
      h21 = i16x8.add(h21, dot8(v, w1));
      v = v128.load32_splat(x, 124);
      h30 = i16x8.add(h30, dot8(v, w0));
      h31 = i16x8.add(h31, dot8(v, w1));
      i00 = i32x4.add(i00, i32x4.dot_i16x8_s(h00, ones));
      i01 = i32x4.add(i01, i32x4.dot_i16x8_s(h01, ones));
      i10 = i32x4.add(i10, i32x4.dot_i16x8_s(h10, ones));
      i11 = i32x4.add(i11, i32x4.dot_i16x8_s(h11, ones));
      i20 = i32x4.add(i20, i32x4.dot_i16x8_s(h20, ones));
      i21 = i32x4.add(i21, i32x4.dot_i16x8_s(h21, ones));
      i30 = i32x4.add(i30, i32x4.dot_i16x8_s(h30, ones));
      i31 = i32x4.add(i31, i32x4.dot_i16x8_s(h31, ones));
      w0 = v128.load(block, 256);
      w1 = v128.load(block, 272);
      const min0 = v128.load(block, 288);
      const min1 = v128.load(block, 304);
      let sum = v128.load32_splat(s, 16);
      v = v128.load32_splat(s, 0);
      f00 = madd(f32x4.mul(v, w0), f32x4.convert_i32x4_s(i00), madd(sum, min0, f00));
      f01 = madd(f32x4.mul(v, w1), f32x4.convert_i32x4_s(i01), madd(sum, min1, f01));
      sum = v128.load32_splat(s, 20);
      v = v128.load32_splat(s, 4);
      f10 = madd(f32x4.mul(v, w0), f32x4.convert_i32x4_s(i10), madd(sum, min0, f10));
      f11 = madd(f32x4.mul(v, w1), f32x4.convert_i32x4_s(i11), madd(sum, min1, f11));
      sum = v128.load32_splat(s, 24);
      v = v128.load32_splat(s, 8);
      f20 = madd(f32x4.mul(v, w0), f32x4.convert_i32x4_s(i20), madd(sum, min0, f20));
      f21 = madd(f32x4.mul(v, w1), f32x4.convert_i32x4_s(i21), madd(sum, min1, f21));
      sum = v128.load32_splat(s, 28);
      v = v128.load32_splat(s, 12);
      f30 = madd(f32x4.mul(v, w0), f32x4.convert_i32x4_s(i30), madd(sum, min0, f30));
      f31 = madd(f32x4.mul(v, w1), f32x4.convert_i32x4_s(i31), madd(sum, min1, f31));
      x += 128;
      s += 32;
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
    scale += scaleTile;
    c += ldc << 2;
  }
}

/** One row (the first of a tile of 4): the same sums in the same order as the tile, so results are equal bit for bit. */
export function rowInt8(blocks: i32, a: usize, scale: usize, w: usize, c: usize, accumulate: bool): void {
  const ones = i16x8.splat(1);
  const end = w + <usize>blocks * UNPACKED_INT8_BYTES;
  let f0 = f32x4.splat(0),
    f1 = f32x4.splat(0);
  if (accumulate) {
    f0 = v128.load(c);
    f1 = v128.load(c, 16);
  }
  for (let block = w; block < end; block += UNPACKED_INT8_BYTES) {
    let v = v128.load32_splat(a, 0);
    let h0 = dot8(v, v128.load(block, 0));
    let h1 = dot8(v, v128.load(block, 16));
    v = v128.load32_splat(a, 16);
    h0 = i16x8.add(h0, dot8(v, v128.load(block, 32)));
    h1 = i16x8.add(h1, dot8(v, v128.load(block, 48)));
    v = v128.load32_splat(a, 32);
    h0 = i16x8.add(h0, dot8(v, v128.load(block, 64)));
    h1 = i16x8.add(h1, dot8(v, v128.load(block, 80)));
    v = v128.load32_splat(a, 48);
    h0 = i16x8.add(h0, dot8(v, v128.load(block, 96)));
    h1 = i16x8.add(h1, dot8(v, v128.load(block, 112)));
    v = v128.load32_splat(a, 64);
    let g0 = dot8(v, v128.load(block, 128));
    let g1 = dot8(v, v128.load(block, 144));
    v = v128.load32_splat(a, 80);
    g0 = i16x8.add(g0, dot8(v, v128.load(block, 160)));
    g1 = i16x8.add(g1, dot8(v, v128.load(block, 176)));
    v = v128.load32_splat(a, 96);
    g0 = i16x8.add(g0, dot8(v, v128.load(block, 192)));
    g1 = i16x8.add(g1, dot8(v, v128.load(block, 208)));
    v = v128.load32_splat(a, 112);
    g0 = i16x8.add(g0, dot8(v, v128.load(block, 224)));
    g1 = i16x8.add(g1, dot8(v, v128.load(block, 240)));
    const i0 = i32x4.add(i32x4.dot_i16x8_s(h0, ones), i32x4.dot_i16x8_s(g0, ones));
    const i1 = i32x4.add(i32x4.dot_i16x8_s(h1, ones), i32x4.dot_i16x8_s(g1, ones));
    const sum = v128.load32_splat(scale, 16);
    v = v128.load32_splat(scale);
    f0 = madd(f32x4.mul(v, v128.load(block, 256)), f32x4.convert_i32x4_s(i0), madd(sum, v128.load(block, 288), f0));
    f1 = madd(f32x4.mul(v, v128.load(block, 272)), f32x4.convert_i32x4_s(i1), madd(sum, v128.load(block, 304), f1));
    a += 128;
    scale += 32;
  }
  v128.store(c, f0);
  v128.store(c, f1, 16);
}
