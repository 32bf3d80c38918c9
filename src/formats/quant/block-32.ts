/**
 * Types with blocks of 32 elements. d (scale) and m (minimum) are f16, in this order at the front of a block.
 * Nibbles: the low half of byte i is element i, the high half element i + 16.
 *
 *   Q8_0  d | i8 quants[32]                      x = d·q
 *   Q4_0  d | nibbles[16]                        x = d·(q - 8)
 *   Q4_1  d | m | nibbles[16]                    x = d·q + m
 *   Q5_0  d | u32 fifth bits | nibbles[16]       x = d·(q - 16)
 *   Q5_1  d | m | u32 fifth bits | nibbles[16]   x = d·q + m
 *
 * Source: ggml-common.h and ggml-quants.c of ggml. A product is exact in a double, so there is one rounding, to f32.
 */
import { f16ToF32 } from "../half.ts";
import type { DequantizeBlock } from "./dequantize.ts";

export const q8_0: DequantizeBlock = (block, out) => {
  const d = f16ToF32(block.getUint16(0, true));
  for (let i = 0; i < 32; i++) out[i] = d * block.getInt8(2 + i);
};

export const q4_0: DequantizeBlock = (block, out) => {
  const d = f16ToF32(block.getUint16(0, true));
  for (let i = 0; i < 32; i++) out[i] = d * (nibble(block, 2, i) - 8);
};

export const q4_1: DequantizeBlock = (block, out) => {
  const d = f16ToF32(block.getUint16(0, true));
  const m = f16ToF32(block.getUint16(2, true));
  for (let i = 0; i < 32; i++) out[i] = d * nibble(block, 4, i) + m;
};

export const q5_0: DequantizeBlock = (block, out) => {
  const d = f16ToF32(block.getUint16(0, true));
  for (let i = 0; i < 32; i++) out[i] = d * (fiveBits(block, 2, i) - 16);
};

export const q5_1: DequantizeBlock = (block, out) => {
  const d = f16ToF32(block.getUint16(0, true));
  const m = f16ToF32(block.getUint16(2, true));
  for (let i = 0; i < 32; i++) out[i] = d * fiveBits(block, 4, i) + m;
};

function nibble(block: DataView, start: number, i: number): number {
  const pair = block.getUint8(start + (i % 16));
  return i < 16 ? pair & 15 : pair >> 4;
}

/** 32 fifth bits, then 32 nibbles. */
function fiveBits(block: DataView, start: number, i: number): number {
  const fifth = (block.getUint32(start, true) >>> i) & 1;
  return nibble(block, start + 4, i) | (fifth << 4);
}
