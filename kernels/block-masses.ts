// Estimated attention of a block of 64 query tokens to every page, from sums along antidiagonals (XAttention, arXiv 2503.16428):
//
//   L[r][r'] = scale / S · Σ_t q[(r + 1)S − 1 − t] · k[r'S + t]         r, r': runs of S tokens of the block, of a page
//   mass[page] = mean over odd r and the query heads of the group of Σ_{r' in page} softmax(L[r])[r']
//
// A run of S keys stands in one piece in a q8 page (page.ts), so with the queries of a run in reverse order and in the same layout
// L is a product of two rows of S·D values. The page's channel scales are folded into the queries in 16-bit fixed point:
//
//   x[t][c] = i8(q16[t][c] · ratio[c])      q16 = 32767 · q / A,  ratio = 32767 · A · kScale / top,  A[c] = max_t |q[t][c]|
//
// Items are those of attention.ts: 64 tokens, entries up to and with their own sealed page, of which a run sees the runs up to its own;
// `partial` is where the masses go, f32 [numEntries]. work: workBytes for every item (blockMassesBytes() in src/ops/block-masses.ts).
import { MASKED } from "./attention-batch";
import { sealKeys } from "./page";
import { FLOAT_KEYS, unpackPage } from "./page-low-unpack";
import { dot8, exp2x4, max4, sum4 } from "./simd";

/** Folded queries of one run at the front of the scratch, then the scores of its page, then a page made of another format. */
const SCORES: usize = 8192;
const PAGE: usize = 8192 + 64;
const UNIT: f32 = 256 / (32767 * (<f32>32767 / 32768));

/** q: [tokens][heads][D] f32; stride: S, 8 or 16; scale: 1/√D · log2(e). */
export function blockMasses(
  begin: i32,
  end: i32,
  scratch: usize,
  items: usize,
  q: usize,
  heads: i32,
  group: i32,
  D: i32,
  scale: f32,
  stride: i32,
  work: usize,
  workBytes: usize,
): void {
  const runs = 64 / stride,
    asked = runs / 2,
    rows = group * asked;
  const rowBytes = (<usize>((rows + 3) & ~3)) << 2;
  const width = (<usize>D) << 2;
  for (let index = begin; index < end; index++) {
    const item = items + ((<usize>index) << 5);
    const entries = load<usize>(item),
      numEntries = load<i32>(item, 4),
      first = load<i32>(item, 12),
      kvHead = load<i32>(item, 20),
      masses = load<usize>(item, 24);
    const queries = work + <usize>index * workBytes,
      greatest = queries + <usize>group * 32 * width,
      sums = greatest + <usize>group * width,
      ratios = sums + <usize>rows * width,
      maxima = ratios + width,
      weights = maxima + <usize>numEntries * rowBytes;
    for (let h = 0; h < group; h++) {
      const from = q + <usize>(first * heads + kvHead * group + h) * width;
      reverseRuns(from, <usize>heads * width, D, stride, queries + <usize>h * 32 * width, greatest + <usize>h * width);
      sumRuns(from, <usize>heads * width, D, stride, sums + <usize>(h * asked) * width);
    }
    for (let e = 0; e < numEntries; e++) {
      const page = asInt8(scratch, load<usize>(entries + ((<usize>e) << 2)), D);
      const m = maxima + <usize>e * rowBytes,
        l = weights + <usize>e * rowBytes;
      for (let i: usize = 0; i < rowBytes; i += 16) {
        v128.store(m + i, f32x4.splat(MASKED));
        v128.store(l + i, f32x4.splat(0));
      }
      const isOwn = e == numEntries - 1;
      for (let h = 0; h < group; h++) {
        const top = fillRatios(greatest + <usize>h * width, page + 256, D, ratios);
        for (let r = 1; r < runs; r += 2) {
          const row = h * asked + (r >> 1);
          const zero = fold(queries + <usize>h * 32 * width + <usize>(r * stride * D * 2), ratios, D, stride, scratch);
          const mean = product(sums + <usize>row * width, page + 256 + width, D);
          const factor = scale / <f32>stride;
          scoreRuns(scratch, page, D, stride, factor * top * UNIT, factor * mean, zero, isOwn ? r : runs - 1);
          softmaxRuns(scratch + SCORES, runs, m + ((<usize>row) << 2), l + ((<usize>row) << 2));
        }
      }
    }
    shares(maxima, weights, numEntries, rowBytes, <f32>1 / <f32>rows, masses);
  }
}

/** A page with q8 keys: the entry's own, or one made of it behind the scratch's other contents. */
export function asInt8(scratch: usize, entry: usize, D: i32): usize {
  const page = entry & ~(<usize>15);
  const made = scratch + PAGE,
    unpacked = made + 256 + <usize>D * 76;
  if (entry & 1) {
    sealKeys(page + 256, made + 256, <usize>D);
    return made;
  }
  if ((entry & 8) == 0) return page;
  if ((unpackPage(scratch, page, unpacked, D) & FLOAT_KEYS) == 0) return unpacked;
  sealKeys(unpacked + 256, made + 256, <usize>D);
  return made;
}

/** 64 rows of D values, each run of them in reverse order, as i16 of their channel's greatest size, in the layout of a page's keys. */
function reverseRuns(from: usize, rowBytes: usize, D: i32, stride: i32, to: usize, greatest: usize): void {
  for (let c = 0; c < D; c++) {
    const channel = from + ((<usize>c) << 2);
    let largest: f32 = 0;
    for (let t: usize = 0; t < 64; t++) largest = max(largest, abs(load<f32>(channel + t * rowBytes)));
    store<f32>(greatest + ((<usize>c) << 2), largest);
    const inverse: f32 = largest > 0 ? <f32>32767 / largest : 0;
    for (let t = 0; t < 64; t++) {
      const query = (t & ~(stride - 1)) + stride - 1 - (t & (stride - 1));
      const at = (t >> 3) * (D << 3) + ((c >> 2) << 5) + (((t >> 2) & 1) << 4) + ((t & 3) << 2) + (c & 3);
      store<i16>(to + ((<usize>at) << 1), <i16>nearest(load<f32>(channel + <usize>query * rowBytes) * inverse));
    }
  }
}

/** f32 [64 / S / 2][D]: the sum of every second run of rows. */
function sumRuns(from: usize, rowBytes: usize, D: i32, stride: i32, to: usize): void {
  for (let t = 0; t < 64; t++) {
    const run = t / stride;
    if ((run & 1) == 0) continue;
    const sums = to + ((<usize>((run >> 1) * D)) << 2),
      row = from + <usize>t * rowBytes;
    for (let i: usize = 0; i < (<usize>D) << 2; i += 16) {
      const before = t % stride == 0 ? f32x4.splat(0) : v128.load(sums + i);
      v128.store(sums + i, f32x4.add(before, v128.load(row + i)));
    }
  }
}

/** i16 [D/4][2][4]: every channel's part of a query's unit, twice for two keys; gives that unit. */
function fillRatios(greatest: usize, kScale: usize, D: i32, ratios: usize): f32 {
  let largest = f32x4.splat(0);
  for (let i: usize = 0; i < (<usize>D) << 2; i += 16)
    largest = f32x4.pmax(largest, f32x4.mul(v128.load(greatest + i), v128.load(kScale + i)));
  const top = max4(largest);
  const inverse = f32x4.splat(top > 0 ? <f32>32767 / top : 0);
  for (let i: usize = 0; i < (<usize>D) << 2; i += 16) {
    const unit = f32x4.mul(f32x4.mul(v128.load(greatest + i), v128.load(kScale + i)), inverse);
    const four = i32x4.trunc_sat_f32x4_s(f32x4.nearest(unit));
    v128.store(ratios + i, i16x8.narrow_i32x4_s(four, four));
  }
  return top;
}

/** i8 [S][D] of a run, in the layout of keys; gives the sum of all. */
function fold(from: usize, ratios: usize, D: i32, stride: i32, to: usize): i32 {
  const ones8 = i8x16.splat(1),
    ones = i16x8.splat(1),
    half = i16x8.splat(128);
  let sum = i32x4.splat(0);
  for (let eight = 0; eight < stride; eight += 8)
    for (let i: usize = 0; i < (<usize>D) << 2; i += 16) {
      const ratio = v128.load(ratios + i);
      for (let pair = 0; pair < 2; pair++, from += 32, to += 16) {
        const a = i16x8.add_sat_s(i16x8.q15mulr_sat_s(v128.load(from), ratio), half),
          b = i16x8.add_sat_s(i16x8.q15mulr_sat_s(v128.load(from, 16), ratio), half);
        const x = i8x16.narrow_i16x8_s(i16x8.shr_s(a, 8), i16x8.shr_s(b, 8));
        v128.store(to, x);
        sum = i32x4.add(sum, i32x4.dot_i16x8_s(dot8(x, ones8), ones));
      }
    }
  return sumLanes(sum);
}

/** f32 [64 / S] at SCORES: L of a run with the page's runs, MASKED behind the last that it sees. */
function scoreRuns(
  scratch: usize,
  page: usize,
  D: i32,
  stride: i32,
  unit: f32,
  offset: f32,
  zero: i32,
  last: i32,
): void {
  const ones = i16x8.splat(1);
  const runBytes = <usize>(stride * D);
  const runs = 64 / stride;
  const keys = page + 256 + <usize>D * 12;
  for (let r = 0; r < runs; r += 4) {
    let i0 = i32x4.splat(0),
      i1 = i32x4.splat(0),
      i2 = i32x4.splat(0),
      i3 = i32x4.splat(0);
    let w = keys + <usize>r * runBytes;
    for (let x = scratch; x < scratch + runBytes; x += 16, w += 16) {
      const query = v128.load(x);
      i0 = i32x4.add(i0, i32x4.dot_i16x8_s(dot8(query, v128.load(w)), ones));
      i1 = i32x4.add(i1, i32x4.dot_i16x8_s(dot8(query, v128.load(w + runBytes)), ones));
      i2 = i32x4.add(i2, i32x4.dot_i16x8_s(dot8(query, v128.load(w + runBytes * 2)), ones));
      i3 = i32x4.add(i3, i32x4.dot_i16x8_s(dot8(query, v128.load(w + runBytes * 3)), ones));
    }
    const to = scratch + SCORES + ((<usize>r) << 2);
    store<f32>(to, r <= last ? unit * <f32>(sumLanes(i0) - (zero << 6)) + offset : MASKED, 0);
    store<f32>(to, r + 1 <= last ? unit * <f32>(sumLanes(i1) - (zero << 6)) + offset : MASKED, 4);
    store<f32>(to, r + 2 <= last ? unit * <f32>(sumLanes(i2) - (zero << 6)) + offset : MASKED, 8);
    store<f32>(to, r + 3 <= last ? unit * <f32>(sumLanes(i3) - (zero << 6)) + offset : MASKED, 12);
  }
}

/** The greatest of a page's scores, and the sum of their powers of 2 relative to it. */
function softmaxRuns(scores: usize, runs: i32, m: usize, l: usize): void {
  let largest = v128.load(scores);
  for (let r = 4; r < runs; r += 4) largest = f32x4.pmax(largest, v128.load(scores + ((<usize>r) << 2)));
  const maximum = max4(largest);
  let sum = f32x4.splat(0);
  for (let r = 0; r < runs; r += 4)
    sum = f32x4.add(sum, exp2x4(f32x4.sub(v128.load(scores + ((<usize>r) << 2)), f32x4.splat(maximum))));
  store<f32>(m, maximum);
  store<f32>(l, sum4(sum));
}

/** masses[page] = factor · Σ_rows of the page's share of the row's softmax. */
export function shares(maxima: usize, weights: usize, pages: i32, rowBytes: usize, factor: f32, masses: usize): void {
  for (let i: usize = 0; i < rowBytes; i += 16) {
    let largest = f32x4.splat(MASKED);
    for (let e: usize = 0; e < <usize>pages; e++) largest = f32x4.pmax(largest, v128.load(maxima + e * rowBytes + i));
    let total = f32x4.splat(0);
    for (let e: usize = 0; e < <usize>pages; e++) {
      const at = e * rowBytes + i;
      const weight = f32x4.mul(v128.load(weights + at), exp2x4(f32x4.sub(v128.load(maxima + at), largest)));
      v128.store(weights + at, weight);
      total = f32x4.add(total, weight);
    }
    // Rows that fill up the last four have no weight.
    const inverse = v128.and(f32x4.div(f32x4.splat(factor), total), f32x4.gt(total, f32x4.splat(0)));
    for (let e: usize = 0; e < <usize>pages; e++) {
      const at = weights + e * rowBytes + i;
      v128.store(at, f32x4.mul(v128.load(at), inverse));
    }
  }
  for (let e: usize = 0; e < <usize>pages; e++) {
    let sum = f32x4.splat(0);
    for (let i: usize = 0; i < rowBytes; i += 16) sum = f32x4.add(sum, v128.load(weights + e * rowBytes + i));
    store<f32>(masses + (e << 2), sum4(sum));
  }
}

function product(a: usize, b: usize, D: i32): f32 {
  let sum = f32x4.splat(0);
  for (let i: usize = 0; i < (<usize>D) << 2; i += 16)
    sum = f32x4.add(sum, f32x4.mul(v128.load(a + i), v128.load(b + i)));
  return sum4(sum);
}

function sumLanes(v: v128): i32 {
  return i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3);
}
