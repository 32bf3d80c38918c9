/** The tensor types of GGUF that Longspan reads: ids and block sizes as in ggml. */
import { UnsupportedError } from "../runtime/errors.ts";

export interface TensorType {
  readonly name: string;
  readonly id: number;
  /** Elements in a block. */
  readonly blockLength: number;
  readonly blockBytes: number;
}

const table: readonly [name: string, id: number, blockLength: number, blockBytes: number][] = [
  ["F32", 0, 1, 4],
  ["F16", 1, 1, 2],
  ["Q4_0", 2, 32, 18],
  ["Q4_1", 3, 32, 20],
  ["Q5_0", 6, 32, 22],
  ["Q5_1", 7, 32, 24],
  ["Q8_0", 8, 32, 34],
  ["Q2_K", 10, 256, 84],
  ["Q3_K", 11, 256, 110],
  ["Q4_K", 12, 256, 144],
  ["Q5_K", 13, 256, 176],
  ["Q6_K", 14, 256, 210],
  ["BF16", 30, 1, 2],
];

export const tensorTypes: readonly TensorType[] = table.map(([name, id, blockLength, blockBytes]) => ({
  name,
  id,
  blockLength,
  blockBytes,
}));

export function tensorTypeOf(id: number, tensorName: string): TensorType {
  const type = tensorTypes.find((candidate) => candidate.id === id);
  if (type) return type;
  const known = tensorTypes.map((candidate) => candidate.name).join(", ");
  throw new UnsupportedError(
    `tensor "${tensorName}": type ${id} is not supported. Use a file quantised as one of ${known}.`,
    { got: id },
  );
}
