// Activations f32 [M][K] into the packed forms that the tiles read. One item is a tile of 4 rows; rows past M become zeros.
// A single row (M = 1, decode) is packed without interleaving: the layouts below with 1 in place of 4.
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
  const R = M == 1 ? 1 : 4;
  const step = (<usize>R) << 2;
  for (let tile = begin; tile < end; tile++) {
    for (let row = 0; row < R; row++) {
      let from = x + ((<usize>(tile * 4 + row) * K) << 2);
      let to = out + <usize>tile * ((<usize>K) << 2) + ((<usize>row) << 2);
      let s = scales + <usize>tile * ((<usize>(K >> 5)) << 5) + ((<usize>row) << 2);
      const live = tile * 4 + row < M;
      for (let k = 0; k < K; k += 32, from += 128, to += step << 3, s += step << 1) {
        const largest = live ? maxAbs32(from) : 0;
        const inverse = f32x4.splat(largest > 0 ? <f32>127 / largest : 0);
        let sum = i32x4.splat(0);
        for (let i: usize = 0; i < 8; i++) {
          const q = live ? roundProduct(v128.load(from + (i << 4)), inverse) : i32x4.splat(0);
          sum = i32x4.add(sum, q);
          const words = i16x8.narrow_i32x4_s(q, q);
          v128.store32_lane(to + i * step, i8x16.narrow_i16x8_s(words, words), 0);
        }
        const scale = largest / 127;
        store<f32>(s, scale);
        store<f32>(s + step, scale * <f32>sumInts(sum));
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
  const R = M == 1 ? 1 : 4;
  const step = (<usize>R) << 2;
  for (let tile = begin; tile < end; tile++) {
    for (let row = 0; row < R; row++) {
      let from = x + ((<usize>(tile * 4 + row) * K) << 2);
      let to = out + <usize>tile * ((<usize>K) << 3) + ((<usize>row) << 2);
      let s = scales + <usize>tile * ((<usize>(K >> 5)) << 4) + ((<usize>row) << 2);
      const live = tile * 4 + row < M;
      for (let k = 0; k < K; k += 32, from += 128, to += step << 4, s += step) {
        const largest = live ? maxAbs32(from) : 0;
        const inverse = f32x4.splat(largest > 0 ? <f32>8191 / largest : 0);
        for (let i: usize = 0; i < 8; i++) {
          const q = live ? roundProduct(v128.load(from + (i << 4)), inverse) : i32x4.splat(0);
          const words = i16x8.narrow_i32x4_s(q, q);
          v128.store32_lane(to + (i << 1) * step, words, 0);
          v128.store32_lane(to + ((i << 1) + 1) * step, words, 1);
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
  const R = M == 1 ? 1 : 4;
  const step = (<usize>R) << 2;
  for (let tile = begin; tile < end; tile++) {
    for (let row = 0; row < R; row++) {
      const from = x + ((<usize>(tile * 4 + row) * K) << 2);
      const to = out + <usize>tile * ((<usize>K) << 4) + ((<usize>row) << 2);
      const live = tile * 4 + row < M;
      for (let k: usize = 0; k < <usize>K; k++) store<f32>(to + k * step, live ? load<f32>(from + (k << 2)) : 0);
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
