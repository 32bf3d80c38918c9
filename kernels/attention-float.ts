// Attention of 4 query rows over one f32 page (page.ts): the reference format, the open page and the page a query sits in.
import { madd } from "./simd";
import { BATCH_SCORES } from "./attention-batch";

/** Scores of 4 rows (addresses of f32 [D] at `rows`) against the page's 64 keys, in units of log2: [4][64] f32 at BATCH_SCORES. */
export function scoresFloat(batch: usize, rows: usize, page: usize, D: usize, scale: f32): void {
  const rowBytes = D << 2;
  const q0 = load<usize>(rows, 0);
  const q1 = load<usize>(rows, 4);
  const q2 = load<usize>(rows, 8);
  const q3 = load<usize>(rows, 12);
  const factor = f32x4.splat(scale);
  for (let keys: usize = 0; keys < 256; keys += 32) {
    let w = page + 256 + keys;
    let f00 = f32x4.splat(0),
      f01 = f32x4.splat(0),
      f10 = f32x4.splat(0),
      f11 = f32x4.splat(0),
      f20 = f32x4.splat(0),
      f21 = f32x4.splat(0),
      f30 = f32x4.splat(0),
      f31 = f32x4.splat(0);
    for (let i: usize = 0; i < rowBytes; i += 4, w += 256) {
      const w0 = v128.load(w),
        w1 = v128.load(w, 16);
      let v = v128.load32_splat(q0 + i);
      f00 = madd(v, w0, f00);
      f01 = madd(v, w1, f01);
      v = v128.load32_splat(q1 + i);
      f10 = madd(v, w0, f10);
      f11 = madd(v, w1, f11);
      v = v128.load32_splat(q2 + i);
      f20 = madd(v, w0, f20);
      f21 = madd(v, w1, f21);
      v = v128.load32_splat(q3 + i);
      f30 = madd(v, w0, f30);
      f31 = madd(v, w1, f31);
    }
    const to = batch + BATCH_SCORES + keys;
    v128.store(to, f32x4.mul(f00, factor), 0);
    v128.store(to, f32x4.mul(f01, factor), 16);
    v128.store(to, f32x4.mul(f10, factor), 256);
    v128.store(to, f32x4.mul(f11, factor), 272);
    v128.store(to, f32x4.mul(f20, factor), 512);
    v128.store(to, f32x4.mul(f21, factor), 528);
    v128.store(to, f32x4.mul(f30, factor), 768);
    v128.store(to, f32x4.mul(f31, factor), 784);
  }
}

/** out[row] = out[row]·keep[row] + take[row]·Σ weight·value, weights f32 [4][64] at BATCH_SCORES; keep, take: f32[4]. */
export function valuesFloat(batch: usize, page: usize, D: usize, out: usize, keep: usize, take: usize): void {
  const p = batch + BATCH_SCORES;
  const rowBytes = D << 2;
  const values = page + 256 + (D << 8);
  for (let i: usize = 0; i < rowBytes; i += 32) {
    let w = values + i;
    let f00 = f32x4.splat(0),
      f01 = f32x4.splat(0),
      f10 = f32x4.splat(0),
      f11 = f32x4.splat(0),
      f20 = f32x4.splat(0),
      f21 = f32x4.splat(0),
      f30 = f32x4.splat(0),
      f31 = f32x4.splat(0);
    for (let x = p; x < p + 256; x += 4, w += rowBytes) {
      const w0 = v128.load(w),
        w1 = v128.load(w, 16);
      let v = v128.load32_splat(x);
      f00 = madd(v, w0, f00);
      f01 = madd(v, w1, f01);
      v = v128.load32_splat(x, 256);
      f10 = madd(v, w0, f10);
      f11 = madd(v, w1, f11);
      v = v128.load32_splat(x, 512);
      f20 = madd(v, w0, f20);
      f21 = madd(v, w1, f21);
      v = v128.load32_splat(x, 768);
      f30 = madd(v, w0, f30);
      f31 = madd(v, w1, f31);
    }
    let o = out + i;
    let k = v128.load32_splat(keep, 0),
      t = v128.load32_splat(take, 0);
    v128.store(o, madd(f00, t, f32x4.mul(v128.load(o, 0), k)), 0);
    v128.store(o, madd(f01, t, f32x4.mul(v128.load(o, 16), k)), 16);
    o = out + i + rowBytes * 1;
    k = v128.load32_splat(keep, 4);
    t = v128.load32_splat(take, 4);
    v128.store(o, madd(f10, t, f32x4.mul(v128.load(o, 0), k)), 0);
    v128.store(o, madd(f11, t, f32x4.mul(v128.load(o, 16), k)), 16);
    o = out + i + rowBytes * 2;
    k = v128.load32_splat(keep, 8);
    t = v128.load32_splat(take, 8);
    v128.store(o, madd(f20, t, f32x4.mul(v128.load(o, 0), k)), 0);
    v128.store(o, madd(f21, t, f32x4.mul(v128.load(o, 16), k)), 16);
    o = out + i + rowBytes * 3;
    k = v128.load32_splat(keep, 12);
    t = v128.load32_splat(take, 12);
    v128.store(o, madd(f30, t, f32x4.mul(v128.load(o, 0), k)), 0);
    v128.store(o, madd(f31, t, f32x4.mul(v128.load(o, 16), k)), 16);
  }
}
