// K-quants of ggml taken apart: one block of 32 inputs of one row into step-ordered bytes and scales (scratch layout of pack-weights.ts).
// Superblocks hold 256 inputs; j is the block inside one. Q6_K, Q3_K and Q2_K scale every 16 inputs ("half").
import { MINS, place16, place8, SCALES } from "./pack-weights";
import { half, loadScale, storeScale } from "./simd";

const Q2_K: i32 = 10;
const Q3_K: i32 = 11;
const Q4_K: i32 = 12;
const Q5_K: i32 = 13;
const SUB: usize = 272; // i8 sub-scales [2 halves][8]

export function explodeK(type: i32, row: usize, b: i32, column: usize, out: usize): void {
  const superblock = <usize>(b >> 3);
  const j = <usize>(b & 7);
  if (type == Q4_K) scaleMin(row + superblock * 144, 16, 0, j, column, out);
  else if (type == Q5_K) scaleMin(row + superblock * 176, 48, 16, j, column, out);
  else if (type == Q3_K) threeBits(row + superblock * 110, j, column, out);
  else if (type == Q2_K) twoBits(row + superblock * 84, j, column, out);
  else sixBits(row + superblock * 210, j, column, out);
}

/** Q4_K and Q5_K: d·scale·q − dmin·min, scales and mins of 6 bits packed into 12 bytes. `fifth` is 0 for Q4_K. */
function scaleMin(block: usize, quants: usize, fifth: usize, j: usize, column: usize, out: usize): void {
  const s = block + 4;
  let scale: u32, least: u32;
  if (j < 4) {
    scale = load<u8>(s + j) & 63;
    least = load<u8>(s + j, 4) & 63;
  } else {
    scale = (load<u8>(s + j, 4) & 15) | ((load<u8>(s + j - 4) >> 6) << 4);
    least = (load<u8>(s + j, 4) >> 4) | ((load<u8>(s + j) >> 6) << 4);
  }
  storeScale(out + SCALES + (column << 1), half(block) * <f32>scale);
  storeScale(out + MINS + (column << 1), -half(block + 2) * <f32>least);
  const q = block + quants + ((j >> 1) << 5);
  for (let i: usize = 0; i < 32; i++) {
    let value = <u32>load<u8>(q + i);
    value = j & 1 ? value >> 4 : value & 15;
    if (fifth) value |= ((<u32>load<u8>(block + fifth + i) >> <u32>j) & 1) << 4;
    store<u8>(out + place8(column, i), <u8>value);
  }
}

/** Q6_K: d·scale·(q − 32) */
function sixBits(block: usize, j: usize, column: usize, out: usize): void {
  const low = block + ((j >> 2) << 6) + ((j & 1) << 5);
  const high = block + 128 + ((j >> 2) << 5);
  const k = <u32>(j & 3);
  storeScale(out + SCALES + (column << 1), half(block + 208));
  for (let h: usize = 0; h < 2; h++) store<u8>(out + SUB + (h << 3) + column, load<u8>(block + 192 + (j << 1) + h));
  for (let i: usize = 0; i < 32; i++) {
    const nibble = (<u32>load<u8>(low + i) >> ((k >> 1) << 2)) & 15;
    const pair = (<u32>load<u8>(high + i) >> (k << 1)) & 3;
    store<u8>(out + place16(column, i), <u8>(nibble | (pair << 4)));
  }
}

/** Q3_K: d·(scale − 32)·(q − 4), the third bit in a mask shared by the eight blocks. */
function threeBits(block: usize, j: usize, column: usize, out: usize): void {
  const s = block + 96;
  storeScale(out + SCALES + (column << 1), half(block + 108));
  for (let h: usize = 0; h < 2; h++) {
    const n = <u32>((j << 1) + h);
    const low = n < 8 ? <u32>load<u8>(s + n) & 15 : <u32>load<u8>(s + n - 8) >> 4;
    const high = (<u32>load<u8>(s + 8 + (n & 3)) >> ((n >> 2) << 1)) & 3;
    store<i8>(out + SUB + (h << 3) + column, <i8>(<i32>(low | (high << 4)) - 32));
  }
  const q = block + 32 + ((j >> 2) << 5);
  for (let i: usize = 0; i < 32; i++) {
    const pair = (<u32>load<u8>(q + i) >> ((<u32>(j & 3)) << 1)) & 3;
    const third = (<u32>load<u8>(block + i) >> <u32>j) & 1;
    store<u8>(out + place16(column, i), <u8>(pair | (third << 2)));
  }
}

/** Q2_K: d·scale·q − dmin·min = unit·(a·q − b) with a, b rounded to integers below 8,192: an error below 1/4,000 of the range. */
function twoBits(block: usize, j: usize, column: usize, out: usize): void {
  const d = half(block + 80),
    dmin = half(block + 82);
  let range: f32 = 0;
  for (let h: usize = 0; h < 2; h++) {
    const s = <u32>load<u8>(block + (j << 1) + h);
    range = max(range, abs(d * <f32>((s & 15) * 3)) + abs(dmin * <f32>(s >> 4)));
  }
  storeScale(out + SCALES + (column << 1), max(range / 8100, <f32>9.5367e-7));
  const unit = loadScale(out + SCALES + (column << 1)); // as rounded
  for (let h: usize = 0; h < 2; h++) {
    const s = <u32>load<u8>(block + (j << 1) + h);
    const at = out + SUB + (h << 4) + (column << 1);
    store<i16>(at, <i16>nearest((d * <f32>(s & 15)) / unit));
    store<i16>(at, <i16>nearest((dmin * <f32>(s >> 4)) / unit), 32);
  }
  const q = block + 16 + ((j >> 2) << 5);
  for (let i: usize = 0; i < 32; i++) {
    store<u8>(out + place16(column, i), <u8>((<u32>load<u8>(q + i) >> ((<u32>(j & 3)) << 1)) & 3));
  }
}
