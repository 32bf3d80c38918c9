/** F32, F16 and BF16 as "blocks" of one element, little-endian. */
import { bf16ToF32, f16ToF32 } from "../half.ts";
import type { DequantizeBlock } from "./dequantize.ts";

export const f32: DequantizeBlock = (block, out) => {
  out[0] = block.getFloat32(0, true);
};

export const f16: DequantizeBlock = (block, out) => {
  out[0] = f16ToF32(block.getUint16(0, true));
};

export const bf16: DequantizeBlock = (block, out) => {
  out[0] = bf16ToF32(block.getUint16(0, true));
};
