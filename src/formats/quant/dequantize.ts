/**
 * Reference dequantisation: what the bytes of a tensor mean, in plain loops. The loader's kernels are tested against it;
 * it is never optimised. Layouts and formulas are in the file of each family.
 */
import type { TensorType } from "../tensor-types.ts";
import { q4_0, q4_1, q5_0, q5_1, q8_0 } from "./block-32.ts";
import { bf16, f16, f32 } from "./float-types.ts";
import { q2_k, q3_k, q4_k, q5_k, q6_k } from "./k-types.ts";

/** Writes the elements of one block. `block` is exactly the block, `out` exactly its elements. */
export type DequantizeBlock = (block: DataView, out: Float32Array) => void;

const byTypeName: Readonly<Record<string, DequantizeBlock>> = {
  F32: f32,
  F16: f16,
  BF16: bf16,
  Q8_0: q8_0,
  Q4_0: q4_0,
  Q4_1: q4_1,
  Q5_0: q5_0,
  Q5_1: q5_1,
  Q2_K: q2_k,
  Q3_K: q3_k,
  Q4_K: q4_k,
  Q5_K: q5_k,
  Q6_K: q6_k,
};

/** The `elements` numbers that `blocks` (whole blocks of `type`, nothing else) stand for. */
export function dequantize(type: TensorType, blocks: Uint8Array, elements: number): Float32Array {
  const { name, blockLength, blockBytes } = type;
  const numBlocks = elements / blockLength;
  if (!Number.isInteger(numBlocks) || blocks.length !== numBlocks * blockBytes)
    throw new Error(
      `dequantize: expected ${numBlocks} blocks of ${blockBytes} bytes (${name}), got ${blocks.length} bytes`,
    );
  const out = new Float32Array(elements);
  for (let i = 0; i < numBlocks; i++) {
    const block = new DataView(blocks.buffer, blocks.byteOffset + i * blockBytes, blockBytes);
    byTypeName[name](block, out.subarray(i * blockLength, (i + 1) * blockLength));
  }
  return out;
}
