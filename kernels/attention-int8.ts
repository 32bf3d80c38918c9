// Attention of 4 query rows over one q8 page (page.ts): scores and values on i8 × i7 products.
//
//   q·k[key] = Σ_c (q[c]·kScale[c])·(u[c] − 64) + Σ_c q[c]·kMean[c]
//
// The channel scales are folded into the query, which is then quantised to i8 per (row, page).
import { dot8, lane32, madd, max4, roundProduct, sum4 } from "./simd";
import { BATCH_CORRECTIONS, BATCH_SCORES, BATCH_QUERIES, BATCH_WEIGHTS } from "./attention-batch";

/** Folds row `r`; keeps its scale, zero-point term and mean term (all times `scale`) among the batch's corrections. */
function foldQuery(batch: usize, r: usize, q: usize, kScale: usize, kMean: usize, D: usize, scale: f32): void {
  const folded = batch + BATCH_SCORES; // the scores are written later: their space holds the folded floats meanwhile
  const bytes = D << 2;
  let largest = f32x4.splat(0),
    mean = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) {
    const x = v128.load(q + i);
    const f = f32x4.mul(x, v128.load(kScale + i));
    largest = f32x4.pmax(largest, f32x4.abs(f));
    mean = madd(x, v128.load(kMean + i), mean);
    v128.store(folded + i, f);
  }
  const top = max4(largest);
  const inverse = f32x4.splat(top > 0 ? <f32>127 / top : 0);
  const ones = i16x8.splat(1);
  let sum = i32x4.splat(0);
  let to = batch + BATCH_QUERIES + (r << 2); // [D/4][4 rows × 4 dims]
  for (let i: usize = 0; i < bytes; i += 64) {
    const a = i16x8.narrow_i32x4_s(
      roundProduct(v128.load(folded + i), inverse),
      roundProduct(v128.load(folded + i, 16), inverse),
    );
    const b = i16x8.narrow_i32x4_s(
      roundProduct(v128.load(folded + i, 32), inverse),
      roundProduct(v128.load(folded + i, 48), inverse),
    );
    sum = i32x4.add(sum, i32x4.dot_i16x8_s(i16x8.add(a, b), ones));
    const bytes16 = i8x16.narrow_i16x8_s(a, b);
    v128.store32_lane(to, bytes16, 0);
    v128.store32_lane(to, bytes16, 1, 16);
    v128.store32_lane(to, bytes16, 2, 32);
    v128.store32_lane(to, bytes16, 3, 48);
    to += 64;
  }
  const at = batch + BATCH_CORRECTIONS + (r << 2);
  const total =
    i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1) + i32x4.extract_lane(sum, 2) + i32x4.extract_lane(sum, 3);
  const unit = (scale * top) / 127;
  store<f32>(at, unit);
  store<f32>(at, scale * sum4(mean) - unit * <f32>(total << 6), 16);
}

/** Scores of 4 rows (addresses of f32 [D] at `rows`) against the page's 64 keys, in units of log2: [4][64] f32 at BATCH_SCORES. */
export function scoresInt8(batch: usize, rows: usize, page: usize, D: usize, scale: f32): void {
  const kScale = page + 256;
  for (let r: usize = 0; r < 4; r++)
    foldQuery(batch, r, load<usize>(rows + (r << 2)), kScale, kScale + (D << 2), D, scale);
  const ones = i16x8.splat(1);
  const at = batch + BATCH_CORRECTIONS;
  const q = batch + BATCH_QUERIES;
  let w = page + 256 + D * 12;
  for (let to = batch + BATCH_SCORES; to < batch + BATCH_SCORES + 256; to += 32) {
    let i00 = i32x4.splat(0),
      i01 = i32x4.splat(0),
      i10 = i32x4.splat(0),
      i11 = i32x4.splat(0),
      i20 = i32x4.splat(0),
      i21 = i32x4.splat(0),
      i30 = i32x4.splat(0),
      i31 = i32x4.splat(0);
    for (let x = q; x < q + (D << 2); x += 16, w += 32) {
      const w0 = v128.load(w),
        w1 = v128.load(w, 16),
        x4 = v128.load(x);
      let v = lane32(x4, 0);
      i00 = i32x4.add(i00, i32x4.dot_i16x8_s(dot8(v, w0), ones));
      i01 = i32x4.add(i01, i32x4.dot_i16x8_s(dot8(v, w1), ones));
      v = lane32(x4, 1);
      i10 = i32x4.add(i10, i32x4.dot_i16x8_s(dot8(v, w0), ones));
      i11 = i32x4.add(i11, i32x4.dot_i16x8_s(dot8(v, w1), ones));
      v = lane32(x4, 2);
      i20 = i32x4.add(i20, i32x4.dot_i16x8_s(dot8(v, w0), ones));
      i21 = i32x4.add(i21, i32x4.dot_i16x8_s(dot8(v, w1), ones));
      v = lane32(x4, 3);
      i30 = i32x4.add(i30, i32x4.dot_i16x8_s(dot8(v, w0), ones));
      i31 = i32x4.add(i31, i32x4.dot_i16x8_s(dot8(v, w1), ones));
    }
    let unit = v128.load32_splat(at, 0),
      offset = v128.load32_splat(at, 16);
    v128.store(to, madd(f32x4.convert_i32x4_s(i00), unit, offset), 0);
    v128.store(to, madd(f32x4.convert_i32x4_s(i01), unit, offset), 16);
    unit = v128.load32_splat(at, 4);
    offset = v128.load32_splat(at, 20);
    v128.store(to, madd(f32x4.convert_i32x4_s(i10), unit, offset), 256);
    v128.store(to, madd(f32x4.convert_i32x4_s(i11), unit, offset), 272);
    unit = v128.load32_splat(at, 8);
    offset = v128.load32_splat(at, 24);
    v128.store(to, madd(f32x4.convert_i32x4_s(i20), unit, offset), 512);
    v128.store(to, madd(f32x4.convert_i32x4_s(i21), unit, offset), 528);
    unit = v128.load32_splat(at, 12);
    offset = v128.load32_splat(at, 28);
    v128.store(to, madd(f32x4.convert_i32x4_s(i30), unit, offset), 768);
    v128.store(to, madd(f32x4.convert_i32x4_s(i31), unit, offset), 784);
  }
}

/** out[row] = out[row]·keep[row] + take[row]·Σ weight·value, weights u7 [16][4 rows × 4 keys] at BATCH_WEIGHTS; keep, take: f32[4]. */
export function valuesInt8(batch: usize, page: usize, D: usize, out: usize, keep: usize, take: usize): void {
  const ones = i16x8.splat(1);
  const p = batch + BATCH_WEIGHTS;
  const rowBytes = D << 2;
  let scale = page + 256 + (D << 3);
  let w = page + 256 + D * 12 + (D << 6);
  const keep0 = v128.load32_splat(keep, 0),
    take0 = v128.load32_splat(take, 0);
  const keep1 = v128.load32_splat(keep, 4),
    take1 = v128.load32_splat(take, 4);
  const keep2 = v128.load32_splat(keep, 8),
    take2 = v128.load32_splat(take, 8);
  const keep3 = v128.load32_splat(keep, 12),
    take3 = v128.load32_splat(take, 12);
  for (let to = out; to < out + rowBytes; to += 32, scale += 32) {
    let i00 = i32x4.splat(0),
      i01 = i32x4.splat(0),
      i10 = i32x4.splat(0),
      i11 = i32x4.splat(0),
      i20 = i32x4.splat(0),
      i21 = i32x4.splat(0),
      i30 = i32x4.splat(0),
      i31 = i32x4.splat(0);
    for (let x = p; x < p + 256; x += 16, w += 32) {
      const w0 = v128.load(w),
        w1 = v128.load(w, 16),
        x4 = v128.load(x);
      let v = lane32(x4, 0);
      i00 = i32x4.add(i00, i32x4.dot_i16x8_s(dot8(w0, v), ones));
      i01 = i32x4.add(i01, i32x4.dot_i16x8_s(dot8(w1, v), ones));
      v = lane32(x4, 1);
      i10 = i32x4.add(i10, i32x4.dot_i16x8_s(dot8(w0, v), ones));
      i11 = i32x4.add(i11, i32x4.dot_i16x8_s(dot8(w1, v), ones));
      v = lane32(x4, 2);
      i20 = i32x4.add(i20, i32x4.dot_i16x8_s(dot8(w0, v), ones));
      i21 = i32x4.add(i21, i32x4.dot_i16x8_s(dot8(w1, v), ones));
      v = lane32(x4, 3);
      i30 = i32x4.add(i30, i32x4.dot_i16x8_s(dot8(w0, v), ones));
      i31 = i32x4.add(i31, i32x4.dot_i16x8_s(dot8(w1, v), ones));
    }
    const s0 = v128.load(scale),
      s1 = v128.load(scale, 16);
    let o = to;
    v128.store(o, madd(f32x4.convert_i32x4_s(i00), f32x4.mul(s0, take0), f32x4.mul(v128.load(o, 0), keep0)), 0);
    v128.store(o, madd(f32x4.convert_i32x4_s(i01), f32x4.mul(s1, take0), f32x4.mul(v128.load(o, 16), keep0)), 16);
    o = to + rowBytes * 1;
    v128.store(o, madd(f32x4.convert_i32x4_s(i10), f32x4.mul(s0, take1), f32x4.mul(v128.load(o, 0), keep1)), 0);
    v128.store(o, madd(f32x4.convert_i32x4_s(i11), f32x4.mul(s1, take1), f32x4.mul(v128.load(o, 16), keep1)), 16);
    o = to + rowBytes * 2;
    v128.store(o, madd(f32x4.convert_i32x4_s(i20), f32x4.mul(s0, take2), f32x4.mul(v128.load(o, 0), keep2)), 0);
    v128.store(o, madd(f32x4.convert_i32x4_s(i21), f32x4.mul(s1, take2), f32x4.mul(v128.load(o, 16), keep2)), 16);
    o = to + rowBytes * 3;
    v128.store(o, madd(f32x4.convert_i32x4_s(i30), f32x4.mul(s0, take3), f32x4.mul(v128.load(o, 0), keep3)), 0);
    v128.store(o, madd(f32x4.convert_i32x4_s(i31), f32x4.mul(s1, take3), f32x4.mul(v128.load(o, 16), keep3)), 16);
  }
}
