// Low-bit KV pages: 64 slots of one (layer, KV head), D = head size, b bits a code (2, 3, 4 or 8).
//
//   position i32[64] | layout u32, 12 bytes unused | key scales | value scales | key codes | value codes
//
//   x = mean + step·(code − levels/2)        mean, step: f16, four means then four steps; levels: see levelsOf
//
// Keys     one scale per channel of the page (D scales), or, turned by a Hadamard matrix H (H·H = 1), one per token and
//          32 channels, the four tokens of a quad together: [16][D/32][4].
// Values   one scale per channel (D scales), or per token and 32 channels: [D/32][64].
//
// Codes lie in the order in which attention reads what they stand for (`place`), 128 of them in 16·b bytes: see packBlock.
// layout: key bits | 16 if keys are turned | value bits << 8 | 1 << 12 if values have scales per token.
import { EMPTY } from "./page";
import { half, toHalf } from "./simd";

export const KEYS_ROTATED: u32 = 16;
export const VALUES_BY_TOKEN: u32 = 1 << 12;
const HEADER: usize = 272;

export const KEY_ORDER: i32 = 0; //     q8 keys
export const VALUE_ORDER: i32 = 1; //   q8 values
export const ROW_ORDER: i32 = 2; //     [D/16][64 tokens][16 channels]
export const ROTATED_ORDER: i32 = 3; // [16][D][4 tokens]

export function keyBits(layout: u32): u32 {
  return layout & 15;
}

export function valueBits(layout: u32): u32 {
  return (layout >> 8) & 15;
}

export function keyScales(page: usize): usize {
  return page + HEADER;
}

export function valueScales(page: usize, layout: u32, D: usize): usize {
  return page + HEADER + (D << (layout & KEYS_ROTATED ? 3 : 2));
}

export function keyCodes(page: usize, layout: u32, D: usize): usize {
  return valueScales(page, layout, D) + (D << (layout & VALUES_BY_TOKEN ? 3 : 2));
}

export function valueCodes(page: usize, layout: u32, D: usize): usize {
  return keyCodes(page, layout, D) + ((D * keyBits(layout)) << 3);
}

/** The order of a page's value codes: turned keys are read as f32, so values are too. */
export function valueOrder(layout: u32): i32 {
  return layout & (KEYS_ROTATED | VALUES_BY_TOKEN) ? ROW_ORDER : VALUE_ORDER;
}

/** Steps between the least and the greatest value. 8-bit codes by channel stop at what u7 keys and i8 values hold. */
export function levelsOf(bits: u32, order: i32): u32 {
  if (bits == 8 && order == KEY_ORDER) return 126;
  if (bits == 8 && order == VALUE_ORDER) return 254;
  return (1 << bits) - 1;
}

/** Index of the code of (key, channel c). */
export function place(order: i32, key: usize, c: usize, D: usize): usize {
  if (order == KEY_ORDER) return (key >> 3) * (D << 3) + ((c >> 2) << 5) + ((key & 7) << 2) + (c & 3);
  if (order == VALUE_ORDER)
    return ((c >> 3) << 9) + ((key >> 2) << 5) + (((c >> 2) & 1) << 4) + ((c & 3) << 2) + (key & 3);
  if (order == ROW_ORDER) return ((c >> 4) << 10) + (key << 4) + (c & 15);
  return (key >> 2) * (D << 2) + (c << 2) + (key & 3);
}

/** Address of scale n's mean; its step follows 8 bytes later. */
export function scaleAt(scales: usize, n: usize): usize {
  return scales + ((n >> 2) << 4) + ((n & 3) << 1);
}

/** Full f32 pages into low-bit pages. One item is a pair of addresses (from, to) in `pairs`. */
export function sealLowPages(begin: i32, end: i32, scratch: usize, D: i32, pairs: usize, layout: u32): void {
  const d = <usize>D;
  const work = scratch + (d << 6); // behind 64·D codes
  for (let item = begin; item < end; item++) {
    const from = load<usize>(pairs + ((<usize>item) << 3)) & ~(<usize>63),
      to = load<usize>(pairs + ((<usize>item) << 3), 4) & ~(<usize>63);
    const values = from + 256 + (d << 8);
    memory.copy(to, from, 256);
    memory.fill(to + 256, 0, 16);
    store<u32>(to, layout, 256);

    if (layout & KEYS_ROTATED) sealRotated(from, keyScales(to), keyBits(layout), d, work, scratch);
    else sealChannels(from, from + 256, 256, 4, keyScales(to), keyBits(layout), KEY_ORDER, d, scratch);
    packCodes(scratch, keyBits(layout), d, keyCodes(to, layout, d));

    const scales = valueScales(to, layout, d);
    if (layout & VALUES_BY_TOKEN) {
      for (let key: usize = 0; key < 64; key++)
        for (let c: usize = 0; c < d; c += 32)
          sealGroup(
            load<i32>(from + (key << 2)) != EMPTY,
            values + ((key * d + c) << 2),
            4,
            scaleAt(scales, (c << 1) + key),
            valueBits(layout),
            ROW_ORDER,
            key,
            c,
            d,
            scratch,
          );
    } else sealChannels(from, values, 4, d << 2, scales, valueBits(layout), valueOrder(layout), d, scratch);
    packCodes(scratch, valueBits(layout), d, valueCodes(to, layout, d));
  }
}

/** One scale per channel, over the slots that are not empty. Channel c of a key stands at x + c·channelBytes + key·keyBytes. */
function sealChannels(
  positions: usize,
  x: usize,
  channelBytes: usize,
  keyBytes: usize,
  scales: usize,
  bits: u32,
  order: i32,
  D: usize,
  codes: usize,
): void {
  const levels = <f32>levelsOf(bits, order);
  for (let c: usize = 0; c < D; c++, x += channelBytes) {
    let low: f32 = f32.MAX_VALUE,
      high: f32 = -f32.MAX_VALUE;
    for (let key: usize = 0; key < 64; key++) {
      if (load<i32>(positions + (key << 2)) == EMPTY) continue;
      low = min(low, load<f32>(x + key * keyBytes));
      high = max(high, load<f32>(x + key * keyBytes));
    }
    const at = scaleAt(scales, c);
    const inverse = storeScale(at, low, high, levels);
    const mean = half(at);
    for (let key: usize = 0; key < 64; key++) {
      const isEmpty = load<i32>(positions + (key << 2)) == EMPTY;
      const code = isEmpty ? 0 : encode(load<f32>(x + key * keyBytes), mean, inverse, levels);
      store<u8>(codes + place(order, key, c, D), code);
    }
  }
}

/** One scale for 32 channels of a token, `stride` bytes apart. */
function sealGroup(
  isLive: bool,
  x: usize,
  stride: usize,
  at: usize,
  bits: u32,
  order: i32,
  key: usize,
  first: usize,
  D: usize,
  codes: usize,
): void {
  const levels = <f32>levelsOf(bits, order);
  let low: f32 = f32.MAX_VALUE,
    high: f32 = -f32.MAX_VALUE;
  if (isLive)
    for (let i: usize = 0; i < 32; i++) {
      low = min(low, load<f32>(x + i * stride));
      high = max(high, load<f32>(x + i * stride));
    }
  const inverse = storeScale(at, low, high, levels);
  const mean = half(at);
  for (let i: usize = 0; i < 32; i++) {
    const code = isLive ? encode(load<f32>(x + i * stride), mean, inverse, levels) : 0;
    store<u8>(codes + place(order, key, first + i, D), code);
  }
}

function sealRotated(page: usize, scales: usize, bits: u32, D: usize, work: usize, codes: usize): void {
  for (let key: usize = 0; key < 64; key += 4) {
    const keys = page + 256 + (key << 2);
    for (let c: usize = 0; c < D; c++) v128.store(work + (c << 4), v128.load(keys + (c << 8)));
    hadamard(work, D);
    for (let c: usize = 0; c < D; c += 32, scales += 16)
      for (let i: usize = 0; i < 4; i++) {
        const isLive = load<i32>(page + ((key + i) << 2)) != EMPTY;
        sealGroup(isLive, work + (c << 4) + (i << 2), 16, scales + (i << 1), bits, ROTATED_ORDER, key + i, c, D, codes);
      }
  }
}

/**
 * Turns four vectors at once, x f32 [D][4], by the orthonormal Hadamard matrix of the greatest power of two that divides D, on every
 * block of that many channels. Its own inverse.
 */
export function hadamard(x: usize, D: usize): void {
  let size: usize = 1;
  for (; (D & size) == 0; size <<= 1)
    for (let block: usize = 0; block < D; block += size << 1)
      for (let i = block; i < block + size; i++) {
        const a = x + (i << 4),
          b = a + (size << 4);
        const sum = f32x4.add(v128.load(a), v128.load(b));
        v128.store(b, f32x4.sub(v128.load(a), v128.load(b)));
        v128.store(a, sum);
      }
  const norm = f32x4.splat(<f32>1 / sqrt<f32>(<f32>size));
  for (let i: usize = 0; i < D; i++) v128.store(x + (i << 4), f32x4.mul(v128.load(x + (i << 4)), norm));
}

const LARGEST_HALF: f32 = 65504;

/**
 * Stores mean and step and gives 1 / step. Codes count from the mean as it was rounded, and the step is rounded up, so f16 costs
 * no accuracy but a slightly larger step.
 */
function storeScale(at: usize, low: f32, high: f32, levels: f32): f32 {
  if (low > high) low = high = 0; // no slot to go by
  store<u16>(at, toHalf(max(min((low + high) * 0.5, LARGEST_HALF), -LARGEST_HALF)));
  const mean = half(at);
  const step = min((max(high - mean, mean - low) * 2) / levels, LARGEST_HALF);
  store<u16>(at, toHalf(step), 8);
  if (half(at + 8) < step) store<u16>(at, load<u16>(at, 8) + 1, 8);
  const stored = half(at + 8);
  return stored > 0 ? <f32>1 / stored : 0;
}

function encode(x: f32, mean: f32, inverse: f32, levels: f32): u8 {
  return <u8>max(min(nearest((x - mean) * inverse + levels * 0.5), levels), 0);
}

/** 64·D codes, a byte each, into b bits each. */
function packCodes(codes: usize, bits: u32, D: usize, to: usize): void {
  for (let i: usize = 0; i < D << 6; i += 128, to += bits << 4) packBlock(codes + i, bits, to);
}

/**
 * 128 codes c[8][16]. 8 bits: as they are. 4 bits: byte n of four vectors holds c[2i][n] and, above it, c[2i + 1][n].
 * 2 bits: byte n of two vectors holds c[4i][n] … c[4i + 3][n] from the lowest bits up. 3 bits: the low two so, then a vector with
 * the high bit of c[i][n] in bit i of byte n.
 */
function packBlock(codes: usize, bits: u32, to: usize): void {
  if (bits == 8) {
    memory.copy(to, codes, 128);
    return;
  }
  if (bits == 4) {
    for (let i: usize = 0; i < 64; i += 16) {
      const low = v128.load(codes + (i << 1)),
        high = v128.load(codes + (i << 1), 16);
      v128.store(to + i, v128.or(low, i16x8.shl(high, 4)));
    }
    return;
  }
  let third = i8x16.splat(0);
  for (let i: i32 = 0; i < 8; i++) {
    const code = v128.load(codes + ((<usize>i) << 4));
    const two = i16x8.shl(v128.and(code, i8x16.splat(3)), (i & 3) << 1);
    const at = to + ((<usize>i >> 2) << 4);
    v128.store(at, i & 3 ? v128.or(v128.load(at), two) : two);
    third = v128.or(third, i16x8.shl(i16x8.shr_u(v128.and(code, i8x16.splat(4)), 2), i));
  }
  if (bits == 3) v128.store(to, third, 32);
}
