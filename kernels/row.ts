// One row (decode): c[8] (+)= a[K] · W[K][8] for a panel, unpacked in registers, bound by reading the weights.
// The sums and their order are those of the tiles, so a row's result is the same bit for bit however many rows there are.
// a, scales: packed by pack-rows with a single row.
import { lastFive, LOW_4, LOW_5, LOW_6, mask, spreadFive, spreadSix } from "./odd-bits";
import { blockBytes, F16, I8, S6, U4_MIN, U5_MIN } from "./panel";
import { dot8, scaleToFloat, lane32, madd } from "./simd";
import { unpack } from "./unpack";

export function row(format: i32, panel: usize, blocks: i32, scratch: usize, a: usize, scales: usize, c: usize, accumulate: bool): void {
  if (!accumulate) {
    v128.store(c, f32x4.splat(0));
    v128.store(c, f32x4.splat(0), 16);
  }
  if (format <= U4_MIN) rowBits4(format, panel, blocks, a, scales, c);
  else if (format <= U5_MIN) rowBits5(format, panel, blocks, a, scales, c);
  else if (format == S6) rowBits6(panel, blocks, a, scales, c);
  else if (format == I8) rowInt8(panel, blocks, a, scales, c);
  else if (format < F16) rowUnpacked(format, panel, blocks, scratch, a, scales, c);
  else rowFloat(format, panel, blocks, scratch, a, c);
}

/** Scales and mins at `p`: f += aScale·scale·i + aSum·min; a format without mins has −zero·scale instead. */
// @ts-ignore: decorator
@inline
function fixUp(p: usize, offset: usize, hasMin: bool, zero: v128, aScale: v128, aSum: v128, i: v128, f: v128): v128 {
  const scale = scaleToFloat(v128.load16x4_s(p + offset));
  const least = hasMin ? scaleToFloat(v128.load16x4_s(p + offset + 16)) : f32x4.mul(zero, scale);
  return madd(f32x4.mul(aScale, scale), f32x4.convert_i32x4_s(i), madd(aSum, least, f));
}

function rowBits4(format: i32, p: usize, blocks: i32, x: usize, s: usize, c: usize): void {
  const ones = i16x8.splat(1), low = mask(LOW_4), zero = f32x4.splat(-8);
  const hasMin = format == U4_MIN;
  const size = blockBytes(format);
  let f0 = v128.load(c), f1 = v128.load(c, 16);
  for (const end = p + <usize>blocks * size; p < end; p += size, x += 32, s += 8) {
    const x0 = v128.load(x), x1 = v128.load(x, 16);
    let b0 = v128.load(p, 0);
    let b1 = v128.load(p, 16);
    let v = lane32(x0, 0);
    let h0 = dot8(v, v128.and(b0, low));
    let h1 = dot8(v, v128.and(b1, low));
    v = lane32(x1, 0);
    h0 = i16x8.add(h0, dot8(v, v128.and(i16x8.shr_u(b0, 4), low)));
    h1 = i16x8.add(h1, dot8(v, v128.and(i16x8.shr_u(b1, 4), low)));
    b0 = v128.load(p, 32);
    b1 = v128.load(p, 48);
    v = lane32(x0, 1);
    h0 = i16x8.add(h0, dot8(v, v128.and(b0, low)));
    h1 = i16x8.add(h1, dot8(v, v128.and(b1, low)));
    v = lane32(x1, 1);
    h0 = i16x8.add(h0, dot8(v, v128.and(i16x8.shr_u(b0, 4), low)));
    h1 = i16x8.add(h1, dot8(v, v128.and(i16x8.shr_u(b1, 4), low)));
    b0 = v128.load(p, 64);
    b1 = v128.load(p, 80);
    v = lane32(x0, 2);
    h0 = i16x8.add(h0, dot8(v, v128.and(b0, low)));
    h1 = i16x8.add(h1, dot8(v, v128.and(b1, low)));
    v = lane32(x1, 2);
    h0 = i16x8.add(h0, dot8(v, v128.and(i16x8.shr_u(b0, 4), low)));
    h1 = i16x8.add(h1, dot8(v, v128.and(i16x8.shr_u(b1, 4), low)));
    b0 = v128.load(p, 96);
    b1 = v128.load(p, 112);
    v = lane32(x0, 3);
    h0 = i16x8.add(h0, dot8(v, v128.and(b0, low)));
    h1 = i16x8.add(h1, dot8(v, v128.and(b1, low)));
    v = lane32(x1, 3);
    h0 = i16x8.add(h0, dot8(v, v128.and(i16x8.shr_u(b0, 4), low)));
    h1 = i16x8.add(h1, dot8(v, v128.and(i16x8.shr_u(b1, 4), low)));
    const aScale = v128.load32_splat(s), aSum = v128.load32_splat(s, 4);
    f0 = fixUp(p, 128, hasMin, zero, aScale, aSum, i32x4.dot_i16x8_s(h0, ones), f0);
    f1 = fixUp(p, 136, hasMin, zero, aScale, aSum, i32x4.dot_i16x8_s(h1, ones), f1);
  }
  v128.store(c, f0);
  v128.store(c, f1, 16);
}

function rowBits5(format: i32, p: usize, blocks: i32, x: usize, s: usize, c: usize): void {
  const ones = i16x8.splat(1), low = mask(LOW_5), zero = f32x4.splat(-16);
  const hasMin = format == U5_MIN;
  const size = blockBytes(format);
  let f0 = v128.load(c), f1 = v128.load(c, 16);
  for (const end = p + <usize>blocks * size; p < end; p += size, x += 32, s += 8) {
    const x0 = v128.load(x), x1 = v128.load(x, 16);
    const aScale = v128.load32_splat(s), aSum = v128.load32_splat(s, 4);
    f0 = fixUp(p, 160, hasMin, zero, aScale, aSum, sumBits5(p, x0, x1, low, ones), f0);
    f1 = fixUp(p, 168, hasMin, zero, aScale, aSum, sumBits5(p + 80, x0, x1, low, ones), f1);
  }
  v128.store(c, f0);
  v128.store(c, f1, 16);
}

/** Σ a·q of four columns over 32 inputs. */
// @ts-ignore: decorator
@inline
function sumBits5(p: usize, x0: v128, x1: v128, low: v128, ones: v128): v128 {
  const b0 = v128.load(p), b1 = v128.load(p, 16), b2 = v128.load(p, 32), b3 = v128.load(p, 48), b4 = v128.load(p, 64);
  let h = dot8(lane32(x0, 0), v128.and(b0, low));
  h = i16x8.add(h, dot8(lane32(x0, 1), v128.and(b1, low)));
  h = i16x8.add(h, dot8(lane32(x0, 2), v128.and(b2, low)));
  h = i16x8.add(h, dot8(lane32(x0, 3), v128.and(b3, low)));
  let g = dot8(lane32(x1, 0), v128.and(b4, low));
  g = i16x8.add(g, dot8(lane32(x1, 1), spreadFive(b0, b1)));
  g = i16x8.add(g, dot8(lane32(x1, 2), spreadFive(b2, b3)));
  g = i16x8.add(g, dot8(lane32(x1, 3), lastFive(b4, b1, b3)));
  return i32x4.add(i32x4.dot_i16x8_s(h, ones), i32x4.dot_i16x8_s(g, ones));
}

/** Σ a·sub·(q − 32) = sub·(Σ a·q − 32·Σ a), per half of 16 inputs: integers, so equal to the tile's. */
function rowBits6(p: usize, blocks: i32, x: usize, s: usize, c: usize): void {
  const low = mask(LOW_6), zero = i16x8.splat(-32);
  let f0 = v128.load(c), f1 = v128.load(c, 16);
  for (const end = p + <usize>blocks * 224; p < end; p += 224, x += 64, s += 4) {
    const start0 = splatSum(i32x4.add(i32x4.dot_i16x8_s(v128.load(x), zero), i32x4.dot_i16x8_s(v128.load(x, 16), zero)));
    const start1 = splatSum(i32x4.add(i32x4.dot_i16x8_s(v128.load(x, 32), zero), i32x4.dot_i16x8_s(v128.load(x, 48), zero)));
    const aScale = v128.load32_splat(s);
    const t0 = sumBits6(p, p + 208, x, low, start0, start1), t1 = sumBits6(p + 96, p + 212, x, low, start0, start1);
    f0 = madd(f32x4.mul(aScale, scaleToFloat(v128.load16x4_s(p, 192))), f32x4.convert_i32x4_s(t0), f0);
    f1 = madd(f32x4.mul(aScale, scaleToFloat(v128.load16x4_s(p, 200))), f32x4.convert_i32x4_s(t1), f1);
  }
  v128.store(c, f0);
  v128.store(c, f1, 16);
}

/** Σ a·sub·(q − 32) of four columns over 32 inputs; `start`: −32·Σ a of each half. */
// @ts-ignore: decorator
@inline
function sumBits6(p: usize, subs: usize, x: usize, low: v128, start0: v128, start1: v128): v128 {
  const b0 = v128.load(p), b1 = v128.load(p, 16), b2 = v128.load(p, 32), b3 = v128.load(p, 48), b4 = v128.load(p, 64), b5 = v128.load(p, 80);
  const first = addStep(addStep(start0, v128.load(x), 0, v128.and(b0, low)), v128.load(x), 2, v128.and(b1, low));
  const i = addStep(addStep(first, v128.load(x, 16), 0, v128.and(b2, low)), v128.load(x, 16), 2, v128.and(b3, low));
  const second = addStep(addStep(start1, v128.load(x, 32), 0, v128.and(b4, low)), v128.load(x, 32), 2, v128.and(b5, low));
  const j = addStep(addStep(second, v128.load(x, 48), 0, spreadSix(b0, b1, b2)), v128.load(x, 48), 2, spreadSix(b3, b4, b5));
  return i32x4.add(i32x4.mul(i, subScales(subs)), i32x4.mul(j, subScales(subs + 8)));
}

/** Four inputs of four columns: lanes `n` and n + 1 of xs times the bytes of w. */
// @ts-ignore: decorator
@inline
function addStep(sum: v128, xs: v128, n: i32, w: v128): v128 {
  const half = i32x4.add(sum, i32x4.dot_i16x8_s(lane32(xs, n), i16x8.extend_low_i8x16_u(w)));
  return i32x4.add(half, i32x4.dot_i16x8_s(lane32(xs, n + 1), i16x8.extend_high_i8x16_u(w)));
}

// @ts-ignore: decorator
@inline
function subScales(address: usize): v128 {
  return i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(address)));
}

/** The sum of the four lanes in every lane. */
// @ts-ignore: decorator
@inline
function splatSum(v: v128): v128 {
  v = i32x4.add(v, i8x16.shuffle(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  return i32x4.add(v, i8x16.shuffle(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11));
}

function rowInt8(p: usize, blocks: i32, x: usize, s: usize, c: usize): void {
  let f0 = v128.load(c), f1 = v128.load(c, 16);
  for (const end = p + <usize>blocks * 272; p < end; s += 4) {
    let i0 = i32x4.splat(0), i1 = i32x4.splat(0);
    for (const last = p + 256; p < last; p += 64, x += 16) {
      const xs = v128.load(x);
      let b0 = v128.load(p), b1 = v128.load(p, 16);
      let v = lane32(xs, 0);
      i0 = i32x4.add(i0, i32x4.dot_i16x8_s(v, i16x8.extend_low_i8x16_s(b0)));
      i1 = i32x4.add(i1, i32x4.dot_i16x8_s(v, i16x8.extend_low_i8x16_s(b1)));
      v = lane32(xs, 1);
      i0 = i32x4.add(i0, i32x4.dot_i16x8_s(v, i16x8.extend_high_i8x16_s(b0)));
      i1 = i32x4.add(i1, i32x4.dot_i16x8_s(v, i16x8.extend_high_i8x16_s(b1)));
      b0 = v128.load(p, 32);
      b1 = v128.load(p, 48);
      v = lane32(xs, 2);
      i0 = i32x4.add(i0, i32x4.dot_i16x8_s(v, i16x8.extend_low_i8x16_s(b0)));
      i1 = i32x4.add(i1, i32x4.dot_i16x8_s(v, i16x8.extend_low_i8x16_s(b1)));
      v = lane32(xs, 3);
      i0 = i32x4.add(i0, i32x4.dot_i16x8_s(v, i16x8.extend_high_i8x16_s(b0)));
      i1 = i32x4.add(i1, i32x4.dot_i16x8_s(v, i16x8.extend_high_i8x16_s(b1)));
    }
    const aScale = v128.load32_splat(s);
    f0 = madd(f32x4.mul(aScale, scaleToFloat(v128.load16x4_s(p))), f32x4.convert_i32x4_s(i0), f0);
    f1 = madd(f32x4.mul(aScale, scaleToFloat(v128.load16x4_s(p, 8))), f32x4.convert_i32x4_s(i1), f1);
    p += 16;
  }
  v128.store(c, f0);
  v128.store(c, f1, 16);
}

/** Formats with integer sub-scales, a block at a time through scratch. */
function rowUnpacked(format: i32, p: usize, blocks: i32, scratch: usize, x: usize, s: usize, c: usize): void {
  const size = blockBytes(format);
  let f0 = v128.load(c), f1 = v128.load(c, 16);
  for (const end = p + <usize>blocks * size; p < end; p += size, s += 4) {
    unpack(format, p, 1, scratch);
    let i0 = i32x4.splat(0), i1 = i32x4.splat(0);
    for (let w = scratch; w < scratch + 512; w += 128, x += 16) {
      const xs = v128.load(x);
      let v = lane32(xs, 0);
      i0 = i32x4.add(i0, i32x4.dot_i16x8_s(v, v128.load(w, 0)));
      i1 = i32x4.add(i1, i32x4.dot_i16x8_s(v, v128.load(w, 16)));
      v = lane32(xs, 1);
      i0 = i32x4.add(i0, i32x4.dot_i16x8_s(v, v128.load(w, 32)));
      i1 = i32x4.add(i1, i32x4.dot_i16x8_s(v, v128.load(w, 48)));
      v = lane32(xs, 2);
      i0 = i32x4.add(i0, i32x4.dot_i16x8_s(v, v128.load(w, 64)));
      i1 = i32x4.add(i1, i32x4.dot_i16x8_s(v, v128.load(w, 80)));
      v = lane32(xs, 3);
      i0 = i32x4.add(i0, i32x4.dot_i16x8_s(v, v128.load(w, 96)));
      i1 = i32x4.add(i1, i32x4.dot_i16x8_s(v, v128.load(w, 112)));
    }
    const aScale = v128.load32_splat(s);
    f0 = madd(f32x4.mul(aScale, v128.load(scratch, 512)), f32x4.convert_i32x4_s(i0), f0);
    f1 = madd(f32x4.mul(aScale, v128.load(scratch, 528)), f32x4.convert_i32x4_s(i1), f1);
  }
  v128.store(c, f0);
  v128.store(c, f1, 16);
}

function rowFloat(format: i32, p: usize, blocks: i32, scratch: usize, x: usize, c: usize): void {
  const size = blockBytes(format);
  let f0 = v128.load(c), f1 = v128.load(c, 16);
  for (const end = p + <usize>blocks * size; p < end; p += size) {
    unpack(format, p, 1, scratch);
    for (let w = scratch; w < scratch + 1024; w += 32, x += 4) {
      const v = v128.load32_splat(x);
      f0 = madd(v, v128.load(w), f0);
      f1 = madd(v, v128.load(w, 16), f1);
    }
  }
  v128.store(c, f0);
  v128.store(c, f1, 16);
}
