// GGUF blocks into panels (panel.ts), once, while a model is loaded. One item is a panel: 8 rows of the file's matrix.
// Two stages per block of 32 inputs: the file's type is taken apart into bytes in step order and scales, then the format is packed.
import { explodeK } from "./explode-k";
import { A2, BF16, blockBytes, F16, F32, I8, S4, S6, U4_MIN, U4_ZERO, U5_MIN, U5_ZERO } from "./panel";
import { half, storeScale } from "./simd";

// ggml type ids
const Q4_0: i32 = 2;
const Q4_1: i32 = 3;
const Q5_0: i32 = 6;
const Q5_1: i32 = 7;
const Q8_0: i32 = 8;

/** source: rows of `rowBytes`, the first row of item 0 at `source`; `rows` of them exist. panels: where panel 0 goes. */
export function packWeights(
  begin: i32,
  end: i32,
  scratch: usize,
  type: i32,
  format: i32,
  K: i32,
  rows: i32,
  source: usize,
  rowBytes: usize,
  panels: usize,
): void {
  const size = blockBytes(format);
  let to = panels + <usize>begin * <usize>(K >> 5) * size;
  for (let p = begin; p < end; p++) {
    for (let b = 0; b < K >> 5; b++, to += size) {
      memory.fill(scratch, 0, 384);
      for (let column = 0; column < 8 && p * 8 + column < rows; column++) {
        const row = source + <usize>(p * 8 + column) * rowBytes;
        if (format >= F16) explodeFloat(format, row, b, column, to);
        else if (type <= Q8_0) explode32(type, row, b, column, scratch);
        else explodeK(type, row, b, column, scratch);
      }
      if (format < F16) packBlock(format, scratch, to);
      else if (p * 8 + 8 > rows) clearColumns(format, rows - p * 8, to);
    }
  }
}

/** Where input i of a column lies among the 256 bytes of a block: for 8-bit steps, and for 16-bit steps. */
export function place8(column: usize, i: usize): usize {
  return ((i >> 2) << 5) + ((column >> 2) << 4) + ((column & 3) << 2) + (i & 3);
}
export function place16(column: usize, i: usize): usize {
  return ((i >> 2) << 5) + ((column >> 2) << 4) + (((i >> 1) & 1) << 3) + ((column & 3) << 1) + (i & 1);
}

/** Scratch of one block: 256 quants | 8 f16 scales | 8 f16 mins, or 16 i8 sub-scales, or i16 a, b [2 halves][8]. */
export const SCALES: usize = 256;
export const MINS: usize = 272;

function explode32(type: i32, row: usize, b: i32, column: usize, out: usize): void {
  const hasMin = type == Q4_1 || type == Q5_1;
  const block = row + <usize>b * (type == Q8_0 ? 34 : type == Q4_0 ? 18 : type == Q4_1 ? 20 : type == Q5_0 ? 22 : 24);
  storeScale(out + SCALES + (column << 1), half(block));
  if (hasMin) storeScale(out + MINS + (column << 1), half(block + 2));
  let q = block + (hasMin ? 4 : 2);
  if (type == Q8_0) {
    for (let i: usize = 0; i < 32; i++) store<u8>(out + place16(column, i), load<u8>(q + i));
    return;
  }
  let fifth: u32 = 0;
  if (type == Q5_0 || type == Q5_1) {
    fifth = load<u32>(q);
    q += 4;
  }
  for (let i: usize = 0; i < 16; i++) {
    const both = load<u8>(q + i);
    store<u8>(out + place8(column, i), <u8>((both & 15) | (((fifth >> <u32>i) & 1) << 4)));
    store<u8>(out + place8(column, i + 16), <u8>((both >> 4) | (((fifth >> <u32>(i + 16)) & 1) << 4)));
  }
}

function explodeFloat(format: i32, row: usize, b: i32, column: usize, to: usize): void {
  if (format == F32) {
    for (let i: usize = 0; i < 32; i++)
      store<u32>(to + (i << 5) + (column << 2), load<u32>(row + ((<usize>b * 32 + i) << 2)));
  } else
    for (let i: usize = 0; i < 32; i++)
      store<u16>(to + (i << 4) + (column << 1), load<u16>(row + ((<usize>b * 32 + i) << 1)));
}

function clearColumns(format: i32, live: i32, to: usize): void {
  for (let i: usize = 0; i < 32; i++) {
    for (let column: usize = live; column < 8; column++) {
      if (format == F32) store<u32>(to + (i << 5) + (column << 2), 0);
      else store<u16>(to + (i << 4) + (column << 1), 0);
    }
  }
}

function packBlock(format: i32, from: usize, to: usize): void {
  if (format == I8) {
    memory.copy(to, from, 272);
    return;
  }
  if (format == A2) {
    for (let j: usize = 0; j < 64; j++) {
      store<u8>(
        to + j,
        load<u8>(from + j) |
          (load<u8>(from + j, 64) << 2) |
          (load<u8>(from + j, 128) << 4) |
          (load<u8>(from + j, 192) << 6),
      );
    }
    memory.copy(to + 64, from + SCALES, 80);
    return;
  }
  if (format == U5_ZERO || format == U5_MIN) {
    packFiveBits(from, to);
    memory.copy(to + 160, from + SCALES, format == U5_MIN ? 32 : 16);
    return;
  }
  if (format == S6) {
    packSixBits(from, to);
    memory.copy(to + 192, from + SCALES, 32);
    return;
  }
  for (let j: usize = 0; j < 128; j++) store<u8>(to + j, (load<u8>(from + j) & 15) | (load<u8>(from + j, 128) << 4));
  memory.copy(to + 128, from + SCALES, format == U4_ZERO ? 16 : 32);
}

/** Step s of column half h is quant vector 2s + h. */
function packSixBits(from: usize, to: usize): void {
  for (let j: usize = 0; j < 32; j++) {
    const quants = from + j; // byte j & 15 of column half j >> 4
    const vectors = to + (j >> 4) * 96 + (j & 15);
    for (let s: usize = 0; s < 6; s++) {
      const rest = <u32>load<u8>(quants + (s < 3 ? 192 : 224));
      const part = (rest >> ((<u32>(s % 3)) << 1)) & 3;
      store<u8>(vectors + (s << 4), <u8>(<u32>load<u8>(quants + (s << 5)) | (part << 6)));
    }
  }
}

function packFiveBits(from: usize, to: usize): void {
  for (let j: usize = 0; j < 32; j++) {
    const quants = from + j;
    const vectors = to + (j >> 4) * 80 + (j & 15);
    const fifth = <u32>load<u8>(quants, 160),
      sixth = <u32>load<u8>(quants, 192),
      seventh = <u32>load<u8>(quants, 224);
    store<u8>(vectors, <u8>(<u32>load<u8>(quants) | ((fifth & 7) << 5)));
    store<u8>(vectors, <u8>(<u32>load<u8>(quants, 32) | ((fifth >> 3) << 5) | (((seventh >> 3) & 1) << 7)), 16);
    store<u8>(vectors, <u8>(<u32>load<u8>(quants, 64) | ((sixth & 7) << 5)), 32);
    store<u8>(vectors, <u8>(<u32>load<u8>(quants, 96) | ((sixth >> 3) << 5) | ((seventh >> 4) << 7)), 48);
    store<u8>(vectors, <u8>(<u32>load<u8>(quants, 128) | ((seventh & 7) << 5)), 64);
  }
}
