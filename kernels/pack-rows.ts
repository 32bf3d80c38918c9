// Activations f32 [M][K] into the packed forms that the tiles read. One item is a tile of 4 rows; rows past M become zeros.
import { roundProduct } from "./simd";

/** i8 with one scale per row and 32 inputs; beside each scale the scaled sum of its quants, for zero points and mins (tile-int8.ts). */
export function packInt8(
  begin: i32,
  end: i32,
  scratch: usize,
  M: i32,
  K: i32,
  x: usize,
  out: usize,
  scales: usize,
): void {
  for (let tile = begin; tile < end; tile++) {
    for (let row = 0; row < 4; row++) {
      let from = x + ((<usize>(tile * 4 + row) * K) << 2);
      let to = out + <usize>tile * ((<usize>K) << 2) + ((<usize>row) << 2);
      let s = scales + <usize>tile * ((<usize>(K >> 5)) << 5) + ((<usize>row) << 2);
      const live = tile * 4 + row < M;
      if (!live && M == 1) break; // a single row is read alone
      for (let k = 0; k < K; k += 32, from += 128, to += 128, s += 32) {
        const largest = live ? maxAbs32(from) : 0;
        const inverse = f32x4.splat(largest > 0 ? <f32>127 / largest : 0);
        let sum = i32x4.splat(0);
        for (let i: usize = 0; i < 8; i++) {
          const q = live ? roundProduct(v128.load(from + (i << 4)), inverse) : i32x4.splat(0);
          sum = i32x4.add(sum, q);
          const words = i16x8.narrow_i32x4_s(q, q);
          v128.store32_lane(to + (i << 4), i8x16.narrow_i16x8_s(words, words), 0);
        }
        const scale = largest / 127;
        store<f32>(s, scale);
        store<f32>(s, scale * <f32>sumInts(sum), 16);
      }
    }
  }
}

/** i16 with 14 bits, one scale per row and 32 inputs (tile-int16.ts). */
export function packInt16(
  begin: i32,
  end: i32,
  scratch: usize,
  M: i32,
  K: i32,
  x: usize,
  out: usize,
  scales: usize,
): void {
  for (let tile = begin; tile < end; tile++) {
    for (let row = 0; row < 4; row++) {
      let from = x + ((<usize>(tile * 4 + row) * K) << 2);
      let to = out + <usize>tile * ((<usize>K) << 3) + ((<usize>row) << 2);
      let s = scales + <usize>tile * ((<usize>(K >> 5)) << 4) + ((<usize>row) << 2);
      const live = tile * 4 + row < M;
      if (!live && M == 1) break;
      for (let k = 0; k < K; k += 32, from += 128, to += 256, s += 16) {
        const largest = live ? maxAbs32(from) : 0;
        const inverse = f32x4.splat(largest > 0 ? <f32>8191 / largest : 0);
        for (let i: usize = 0; i < 8; i++) {
          const q = live ? roundProduct(v128.load(from + (i << 4)), inverse) : i32x4.splat(0);
          const words = i16x8.narrow_i32x4_s(q, q);
          v128.store32_lane(to + (i << 5), words, 0);
          v128.store32_lane(to + (i << 5), words, 1, 16);
        }
        store<f32>(s, largest / 8191);
      }
    }
  }
}

/** f32, only re-laid (tile-float.ts). */
export function packFloat(
  begin: i32,
  end: i32,
  scratch: usize,
  M: i32,
  K: i32,
  x: usize,
  out: usize,
  scales: usize,
): void {
  for (let tile = begin; tile < end; tile++) {
    for (let row = 0; row < 4; row++) {
      const from = x + ((<usize>(tile * 4 + row) * K) << 2);
      const to = out + <usize>tile * ((<usize>K) << 4) + ((<usize>row) << 2);
      const live = tile * 4 + row < M;
      if (!live && M == 1) break;
      for (let k: usize = 0; k < <usize>K; k++) store<f32>(to + (k << 4), live ? load<f32>(from + (k << 2)) : 0);
    }
  }
}

function maxAbs32(x: usize): f32 {
  let m = f32x4.abs(v128.load(x));
  for (let i: usize = 16; i < 128; i += 16) m = f32x4.pmax(m, f32x4.abs(v128.load(x + i)));
  return max(
    max(f32x4.extract_lane(m, 0), f32x4.extract_lane(m, 1)),
    max(f32x4.extract_lane(m, 2), f32x4.extract_lane(m, 3)),
  );
}

function sumInts(v: v128): i32 {
  return i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3);
}
