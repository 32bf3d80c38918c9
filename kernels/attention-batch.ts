// Work space of a batch of 4 query rows, and its online softmax. Offsets into a worker's scratch:
import { exp2x4, madd, max4, roundProduct, sum4 } from "./simd";

export const BATCH_SCORES: usize = 0; //         f32 [4][64]: scores, then (for f32 pages) weights
export const BATCH_WEIGHTS: usize = 1024; //     u7  [16][4 rows × 4 keys]
export const BATCH_QUERIES: usize = 1280; //     i8  [D/4][4 rows × 4 dims]: folded queries
export const BATCH_CORRECTIONS: usize = 2304; // f32 [4] units, f32 [4] offsets
export const BATCH_KEEP: usize = 2368; //        f32 [4]: factor of what was accumulated
export const BATCH_TAKE: usize = 2384; //        f32 [4]: factor of this page
export const BATCH_ROWS: usize = 2400; //        u32 [4]: addresses of the rows' queries, turned for a zone
export const BATCH_SUMS: usize = 2416; //        f32 [4]: this page's sums of weights, times the factor of this page
export const BATCH_BYTES: usize = 2432;

/** A masked score. Finite, so that differences stay finite. */
export const MASKED: f32 = -1e30;

/** Keys (of the page's `positions`) that the zone hides from a row's query get MASKED: see attention.ts. */
export function maskScores(batch: usize, rowPositions: usize, positions: usize, zone: usize): void {
  const masked = f32x4.splat(MASKED);
  const nearest = load<i32>(zone, 4),
    farthest = load<i32>(zone, 8),
    keyEnd = load<i32>(zone, 12);
  const end = i32x4.splat(keyEnd > 0 ? keyEnd : i32.MAX_VALUE);
  for (let r: usize = 0; r < 4; r++) {
    const position = load<i32>(rowPositions + (r << 2));
    const last = i32x4.splat(position - nearest),
      first = i32x4.splat(farthest > 0 ? position - farthest : i32.MIN_VALUE);
    const row = batch + BATCH_SCORES + (r << 8);
    for (let i: usize = 0; i < 256; i += 16) {
      const at = v128.load(positions + i);
      const hidden = v128.or(v128.or(i32x4.gt_s(at, last), i32x4.le_s(at, first)), i32x4.ge_s(at, end));
      v128.store(row + i, v128.bitselect(masked, v128.load(row + i), hidden));
    }
  }
}

/**
 * One page's part of the online softmax (Milakov & Gimelshein 2018), rows' maxima f32[4] at `m`, sums f32[4] at `l`.
 * Weights are relative to the page's own maximum, so a long tail of small weights survives 7 bits:
 * keep = 2^(m − m'), take = 2^(page maximum − m'), both for the values kernel, and the page's own part of the sums.
 */
export function softmaxPage(batch: usize, m: usize, l: usize, integer: bool): void {
  let maxima = f32x4.splat(0),
    sums = f32x4.splat(0);
  maxima = f32x4.replace_lane(maxima, 0, weigh(batch, 0, integer));
  maxima = f32x4.replace_lane(maxima, 1, weigh(batch, 1, integer));
  maxima = f32x4.replace_lane(maxima, 2, weigh(batch, 2, integer));
  maxima = f32x4.replace_lane(maxima, 3, weigh(batch, 3, integer));
  sums = v128.load(batch + BATCH_TAKE);
  const before = v128.load(m);
  const after = f32x4.max(before, maxima);
  // 2^x is never quite 0, and what a row has of pages that are all hidden from it would break ties of rounding: it must not depend
  // on the pages that other rows of a tile see.
  const hidden = f32x4.splat(MASKED / 10);
  const keep = v128.and(exp2x4(f32x4.sub(before, after)), f32x4.gt(before, hidden)),
    take = v128.and(exp2x4(f32x4.sub(maxima, after)), f32x4.gt(maxima, hidden));
  v128.store(m, after);
  sums = f32x4.mul(sums, take);
  v128.store(l, madd(v128.load(l), keep, sums));
  v128.store(batch + BATCH_SUMS, sums);
  v128.store(batch + BATCH_KEEP, keep);
  v128.store(batch + BATCH_TAKE, integer ? f32x4.mul(take, f32x4.splat(<f32>1 / 127)) : take);
}

/** 2^(score − maximum) of row `r`, as u7 or f32; its sum goes to BATCH_TAKE[r], its maximum is returned. */
function weigh(batch: usize, r: usize, integer: bool): f32 {
  const row = batch + BATCH_SCORES + (r << 8);
  let largest = v128.load(row);
  for (let i: usize = 16; i < 256; i += 16) largest = f32x4.pmax(largest, v128.load(row + i));
  const maximum = max4(largest);
  const base = f32x4.splat(maximum);
  let sum = f32x4.splat(0);
  if (integer) {
    const full = f32x4.splat(127);
    let to = batch + BATCH_WEIGHTS + (r << 2);
    for (let i: usize = 0; i < 256; i += 64) {
      const a = exp2x4(f32x4.sub(v128.load(row + i), base)),
        b = exp2x4(f32x4.sub(v128.load(row + i, 16), base)),
        c = exp2x4(f32x4.sub(v128.load(row + i, 32), base)),
        d = exp2x4(f32x4.sub(v128.load(row + i, 48), base));
      sum = f32x4.add(sum, f32x4.add(f32x4.add(a, b), f32x4.add(c, d)));
      const bytes16 = i8x16.narrow_i16x8_s(
        i16x8.narrow_i32x4_s(roundProduct(a, full), roundProduct(b, full)),
        i16x8.narrow_i32x4_s(roundProduct(c, full), roundProduct(d, full)),
      );
      v128.store32_lane(to, bytes16, 0);
      v128.store32_lane(to, bytes16, 1, 16);
      v128.store32_lane(to, bytes16, 2, 32);
      v128.store32_lane(to, bytes16, 3, 48);
      to += 64;
    }
  } else {
    for (let i: usize = 0; i < 256; i += 16) {
      const e = exp2x4(f32x4.sub(v128.load(row + i), base));
      sum = f32x4.add(sum, e);
      v128.store(row + i, e);
    }
  }
  store<f32>(batch + BATCH_TAKE + (r << 2), sum4(sum));
  return maximum;
}
