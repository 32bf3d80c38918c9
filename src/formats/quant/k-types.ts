/**
 * "K" types: super-blocks of 256 elements, cut into groups of 16 or 32 with small integer scales of their own.
 * d and dmin are f16; sc and mn are the scale and minimum of the element's group.
 *
 *   Q2_K  u8 (sc | mn << 4)[16] | 2-bit quants[64] | d | dmin                    x = d·sc·q - dmin·mn
 *   Q3_K  third bits[32] | 2-bit quants[64] | 6-bit sc[12 bytes] | d             x = d·(sc - 32)·(q - 4)
 *   Q4_K  d | dmin | 6-bit sc, mn[12 bytes] | nibbles[128]                       x = d·sc·q - dmin·mn
 *   Q5_K  d | dmin | 6-bit sc, mn[12 bytes] | fifth bits[32] | nibbles[128]      x = d·sc·q - dmin·mn
 *   Q6_K  nibbles[128] | 2 upper bits[64] | i8 sc[16] | d                        x = d·sc·(q - 32)
 *
 * Fields are spread over bytes so that one vector load serves elements that are 32 (or 64) apart; each function says how.
 * Source: ggml-common.h and ggml-quants.c of ggml. Products are exact in a double, so there is one rounding, to f32.
 */
import { f16ToF32 } from "../half.ts";
import type { DequantizeBlock } from "./dequantize.ts";

export const q2_k: DequantizeBlock = (block, out) => {
  const d = f16ToF32(block.getUint16(80, true));
  const dmin = f16ToF32(block.getUint16(82, true));
  for (let i = 0; i < 256; i++) {
    const scales = block.getUint8(i >> 4);
    out[i] = d * (scales & 15) * twoBits(block, 16, i) - dmin * (scales >> 4);
  }
};

export const q3_k: DequantizeBlock = (block, out) => {
  const d = f16ToF32(block.getUint16(108, true));
  for (let i = 0; i < 256; i++) {
    const third = bitPlane(block, 0, i);
    const q = twoBits(block, 32, i) | (third << 2);
    out[i] = d * (q3Scale(block, 96, i >> 4) - 32) * (q - 4);
  }
};

export const q4_k: DequantizeBlock = (block, out) => {
  const d = f16ToF32(block.getUint16(0, true));
  const dmin = f16ToF32(block.getUint16(2, true));
  for (let i = 0; i < 256; i++) {
    const { scale, minimum } = sixBitPair(block, 4, i >> 5);
    out[i] = d * scale * nibble32(block, 16, i) - dmin * minimum;
  }
};

export const q5_k: DequantizeBlock = (block, out) => {
  const d = f16ToF32(block.getUint16(0, true));
  const dmin = f16ToF32(block.getUint16(2, true));
  for (let i = 0; i < 256; i++) {
    const { scale, minimum } = sixBitPair(block, 4, i >> 5);
    const q = nibble32(block, 48, i) | (bitPlane(block, 16, i) << 4);
    out[i] = d * scale * q - dmin * minimum;
  }
};

export const q6_k: DequantizeBlock = (block, out) => {
  const d = f16ToF32(block.getUint16(208, true));
  for (let i = 0; i < 256; i++) {
    const q = nibble64(block, 0, i) | (twoBits(block, 128, i) << 4);
    out[i] = d * block.getInt8(192 + (i >> 4)) * (q - 32);
  }
};

/** 32 bytes hold 128 elements: byte j has elements j, j + 32, j + 64 and j + 96 of its half, lowest bits first. */
function twoBits(block: DataView, start: number, i: number): number {
  return (block.getUint8(start + (i >> 7) * 32 + (i & 31)) >> (((i >> 5) & 3) * 2)) & 3;
}

/** 32 bytes hold a bit of 256 elements: bit b of byte j belongs to element 32·b + j. */
function bitPlane(block: DataView, start: number, i: number): number {
  return (block.getUint8(start + (i & 31)) >> (i >> 5)) & 1;
}

/** 32 bytes hold 64 elements: low nibbles the first 32, high nibbles the others. */
function nibble32(block: DataView, start: number, i: number): number {
  return (block.getUint8(start + (i >> 6) * 32 + (i & 31)) >> (((i >> 5) & 1) * 4)) & 15;
}

/** 64 bytes hold 128 elements: low nibbles the first 64, high nibbles the others. */
function nibble64(block: DataView, start: number, i: number): number {
  return (block.getUint8(start + (i >> 7) * 64 + (i & 63)) >> (((i >> 6) & 1) * 4)) & 15;
}

/** 12 bytes hold 16 scales: 8 bytes of nibbles (0 to 7 low, 8 to 15 high), then 4 bytes with the upper two bits of each. */
function q3Scale(block: DataView, start: number, group: number): number {
  const low = (block.getUint8(start + (group & 7)) >> ((group >> 3) * 4)) & 15;
  const high = (block.getUint8(start + 8 + (group & 3)) >> ((group >> 2) * 2)) & 3;
  return low | (high << 4);
}

/**
 * 12 bytes hold 8 scales and 8 minimums of 6 bits. Bytes 0 to 3 are scales 0 to 3 and bytes 4 to 7 minimums 0 to 3;
 * their two spare bits are the upper bits of scales and minimums 4 to 7, whose nibbles share bytes 8 to 11.
 */
function sixBitPair(block: DataView, start: number, group: number): { scale: number; minimum: number } {
  const lane = start + (group & 3);
  const first = block.getUint8(lane);
  const second = block.getUint8(lane + 4);
  if (group < 4) return { scale: first & 63, minimum: second & 63 };
  const nibbles = block.getUint8(lane + 8);
  return { scale: (nibbles & 15) | ((first >> 6) << 4), minimum: (nibbles >> 4) | ((second >> 6) << 4) };
}
