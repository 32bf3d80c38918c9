// Low-bit pages (page-low.ts) as attention reads them: keys and values with one scale per channel as those of a q8 page, so that the
// int8 kernels run on them, the others as those of an f32 page.
import {
  hadamard,
  KEY_ORDER,
  KEYS_ROTATED,
  keyBits,
  keyCodes,
  keyScales,
  levelsOf,
  place,
  ROTATED_ORDER,
  ROW_ORDER,
  scaleAt,
  VALUE_ORDER,
  VALUES_BY_TOKEN,
  valueBits,
  valueCodes,
  valueOrder,
  valueScales,
} from "./page-low";
import { half, halfToFloat, madd } from "./simd";

/** What unpackPage leaves as f32. */
export const FLOAT_KEYS: u32 = 1;
export const FLOAT_VALUES: u32 = 2;

/**
 * Unpacks keys and values into a page's space at `to` (positions are not copied): each where and as an f32 or a q8 page has it. Integer
 * values have means besides, at meansOf(to). `batch` lends 128 bytes. Gives FLOAT_KEYS and FLOAT_VALUES, or 0.
 */
export function unpackPage(batch: usize, page: usize, to: usize, D: usize): u32 {
  const layout = load<u32>(page, 256);
  const values = to + 256 + (D << 8);
  const keys = to + 256 + D * 12;
  let floats: u32 = 0;
  if (layout & KEYS_ROTATED) {
    unpackRotated(batch, keyScales(page), keyCodes(page, layout, D), keyBits(layout), D, values, to + 256);
    floats |= FLOAT_KEYS;
  } else {
    const bits = keyBits(layout);
    unpackScales(keyScales(page), D, to + 256, to + 256 + (D << 2), <f32>1 / unit(bits));
    unpackCodes(keyCodes(page, layout, D), bits, D, bits == 8 ? i8x16.splat(1) : keyTable(bits), keys);
  }
  const codes = valueCodes(page, layout, D),
    scales = valueScales(page, layout, D),
    bits = valueBits(layout);
  if (valueOrder(layout) == ROW_ORDER) {
    unpackRows(batch, scales, codes, bits, (layout & VALUES_BY_TOKEN) != 0, D, values);
    floats |= FLOAT_VALUES;
  } else {
    const table = i8x16.sub(keyTable(bits), i8x16.splat(64));
    unpackScales(scales, D, to + 256 + (D << 3), meansOf(to, D), bits == 8 ? 1 : <f32>0.5 / unit(bits));
    unpackCodes(codes, bits, D, bits == 8 ? i8x16.splat(-127) : i8x16.add(table, table), keys + (D << 6));
  }
  return floats;
}

/** Means f32[D] of unpacked integer values: behind what a q8 page has. */
export function meansOf(unpacked: usize, D: usize): usize {
  return unpacked + 256 + D * 140;
}

/** out[row] += Σ weight·mean: what valuesInt8 has left out. With exact weights, f32[4] sums of a page's, so means lose nothing to 7 bits. */
export function addMeans(means: usize, D: usize, out: usize, sums: usize): void {
  for (let r: usize = 0; r < 4; r++) {
    const weight = v128.load32_splat(sums + (r << 2));
    for (let i: usize = 0; i < D << 2; i += 16, out += 16)
      v128.store(out, madd(weight, v128.load(means + i), v128.load(out)));
  }
}

/** Low-bit pages into f32 pages, positions too. One item is a pair (from, to) in `pairs`. */
export function unpackPages(begin: i32, end: i32, scratch: usize, D: i32, pairs: usize): void {
  const d = <usize>D;
  for (let item = begin; item < end; item++) {
    const from = load<usize>(pairs + ((<usize>item) << 3)) & ~(<usize>63),
      to = load<usize>(pairs + ((<usize>item) << 3), 4) & ~(<usize>63);
    const layout = load<u32>(from, 256);
    const keys = keyCodes(from, layout, d),
      values = valueCodes(from, layout, d),
      valuesTo = to + 256 + (d << 8);
    memory.copy(to, from, 256);
    if (layout & KEYS_ROTATED) unpackRotated(scratch, keyScales(from), keys, keyBits(layout), d, valuesTo, to + 256);
    else unpackChannels(scratch, keyScales(from), keys, keyBits(layout), KEY_ORDER, d, to + 256, 256, 4);
    const scales = valueScales(from, layout, d),
      bits = valueBits(layout);
    if (valueOrder(layout) == ROW_ORDER)
      unpackRows(scratch, scales, values, bits, (layout & VALUES_BY_TOKEN) != 0, d, valuesTo);
    else unpackChannels(scratch, scales, values, bits, VALUE_ORDER, d, valuesTo, 4, d << 2);
  }
}

/** Integer units in a step, for b = 2, 3, 4: as many as u7 keys have room for. Values have twice as many. */
function unit(bits: u32): f32 {
  return bits == 8 ? 1 : bits == 4 ? 8 : bits == 3 ? 18 : 42;
}

/** u = 64 + unit·(code − levels/2). A spread over all of u7, because a folded query's rounding error is multiplied with u − 64. */
function keyTable(bits: u32): v128 {
  if (bits == 4) return i8x16(4, 12, 20, 28, 36, 44, 52, 60, 68, 76, 84, 92, 100, 108, 116, 124);
  if (bits == 3) return i8x16(1, 19, 37, 55, 73, 91, 109, 127, 0, 0, 0, 0, 0, 0, 0, 0);
  return i8x16(1, 43, 85, 127, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}

/** Every code as it is. */
function sameTable(bits: u32): v128 {
  if (bits == 8) return i8x16.splat(0);
  return i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

/** D scales, to f32 means and steps times `factor`. */
function unpackScales(scales: usize, D: usize, steps: usize, means: usize, factor: f32): void {
  for (let c: usize = 0; c < D << 2; c += 16) {
    v128.store(steps + c, f32x4.mul(steps4(scales + c), f32x4.splat(factor)));
    v128.store(means + c, means4(scales + c));
  }
}

function means4(scales: usize): v128 {
  return halfToFloat(v128.load16x4_s(scales));
}

function steps4(scales: usize): v128 {
  return halfToFloat(v128.load16x4_s(scales, 8));
}

/** 64·D codes to bytes through a table. */
function unpackCodes(codes: usize, bits: u32, D: usize, table: v128, to: usize): void {
  for (let i: usize = 0; i < D << 6; i += 128, codes += bits << 4) unpackBlock(codes, bits, table, to + i);
}

/** 128 codes (packBlock in page-low.ts) to table[code], a byte each; codes of 8 bits to code + table[0]. */
function unpackBlock(from: usize, bits: u32, table: v128, to: usize): void {
  if (bits == 8) {
    const shift = i8x16.splat(i8x16.extract_lane_s(table, 0));
    for (let i: usize = 0; i < 128; i += 16) v128.store(to + i, i8x16.add(v128.load(from + i), shift));
  } else if (bits == 4) {
    const mask = i8x16.splat(15);
    for (let i: usize = 0; i < 64; i += 16) {
      const codes = v128.load(from + i);
      v128.store(to + (i << 1), i8x16.swizzle(table, v128.and(codes, mask)));
      v128.store(to + (i << 1), i8x16.swizzle(table, v128.and(i16x8.shr_u(codes, 4), mask)), 16);
    }
  } else {
    const third = bits == 3 ? v128.load(from, 32) : i8x16.splat(0);
    for (let i: i32 = 0; i < 8; i++) {
      const two = i16x8.shr_u(v128.load(from + ((<usize>i >> 2) << 4)), (i & 3) << 1);
      const high = i < 2 ? i16x8.shl(third, 2 - i) : i16x8.shr_u(third, i - 2);
      const code = v128.or(v128.and(two, i8x16.splat(3)), v128.and(high, i8x16.splat(4)));
      v128.store(to + ((<usize>i) << 4), i8x16.swizzle(table, code));
    }
  }
}

/** Turned keys to f32 [D][64], turned back. work: f32 [D][4]. */
function unpackRotated(batch: usize, scales: usize, codes: usize, bits: u32, D: usize, work: usize, out: usize): void {
  const centre = f32x4.splat(<f32>levelsOf(bits, ROTATED_ORDER) * 0.5);
  const table = sameTable(bits);
  for (let key: usize = 0; key < 64; key += 4) {
    let to = work;
    for (let c: usize = 0; c < D; c += 32, scales += 16, codes += bits << 4) {
      unpackBlock(codes, bits, table, batch);
      const step = steps4(scales),
        low = f32x4.sub(means4(scales), f32x4.mul(step, centre));
      for (let i: usize = 0; i < 128; i += 4, to += 16) v128.store(to, madd(float4(batch + i), step, low));
    }
    hadamard(work, D);
    for (let c: usize = 0; c < D; c++) v128.store(out + (c << 8) + (key << 2), v128.load(work + (c << 4)));
  }
}

/** Four bytes as f32. */
function float4(codes: usize): v128 {
  return f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(codes))));
}

/** Values in ROW_ORDER to f32 [64][D]. */
function unpackRows(batch: usize, scales: usize, codes: usize, bits: u32, byToken: bool, D: usize, out: usize): void {
  const levels = <f32>levelsOf(bits, ROW_ORDER) * 0.5;
  const centre = f32x4.splat(levels);
  const table = sameTable(bits);
  for (let c: usize = 0; c < D; c += 16) {
    const quads = byToken ? scales : scales + (c << 2);
    let s0 = steps4(quads),
      s1 = steps4(quads + 16),
      s2 = steps4(quads + 32),
      s3 = steps4(quads + 48);
    let m0 = f32x4.sub(means4(quads), f32x4.mul(s0, centre)),
      m1 = f32x4.sub(means4(quads + 16), f32x4.mul(s1, centre)),
      m2 = f32x4.sub(means4(quads + 32), f32x4.mul(s2, centre)),
      m3 = f32x4.sub(means4(quads + 48), f32x4.mul(s3, centre));
    for (let key: usize = 0; key < 64; key++) {
      if ((key & 7) == 0) {
        unpackBlock(codes, bits, table, batch);
        codes += bits << 4;
      }
      if (byToken) {
        const at = scaleAt(scales, ((c >> 5) << 6) + key);
        const step = half(at + 8);
        s0 = s1 = s2 = s3 = f32x4.splat(step);
        m0 = m1 = m2 = m3 = f32x4.splat(half(at) - step * levels);
      }
      const row = out + ((key * D + c) << 2),
        from = batch + ((key & 7) << 4);
      v128.store(row, madd(float4(from), s0, m0));
      v128.store(row, madd(float4(from + 4), s1, m1), 16);
      v128.store(row, madd(float4(from + 8), s2, m2), 32);
      v128.store(row, madd(float4(from + 12), s3, m3), 48);
    }
  }
}

/** Codes with a scale per channel to f32; channel c of a key goes to out + c·channelBytes + key·keyBytes. */
function unpackChannels(
  bytes: usize,
  scales: usize,
  codes: usize,
  bits: u32,
  order: i32,
  D: usize,
  out: usize,
  channelBytes: usize,
  keyBytes: usize,
): void {
  unpackCodes(codes, bits, D, sameTable(bits), bytes);
  const centre = <f32>levelsOf(bits, order) * 0.5;
  for (let c: usize = 0; c < D; c++) {
    const at = scaleAt(scales, c);
    const mean = half(at),
      step = half(at + 8);
    for (let key: usize = 0; key < 64; key++) {
      const code = <f32>load<u8>(bytes + place(order, key, c, D));
      store<f32>(out + c * channelBytes + key * keyBytes, mean + step * (code - centre));
    }
  }
}
