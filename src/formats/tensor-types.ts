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

/** Types that files do have and Longspan does not read, so that an error can name them. */
const unsupported: Readonly<Record<number, string>> = {
  9: "Q8_1",
  15: "Q8_K",
  16: "IQ2_XXS",
  17: "IQ2_XS",
  18: "IQ3_XXS",
  19: "IQ1_S",
  20: "IQ4_NL",
  21: "IQ3_S",
  22: "IQ2_S",
  23: "IQ4_XS",
  24: "I8",
  25: "I16",
  26: "I32",
  27: "I64",
  28: "F64",
  29: "IQ1_M",
  34: "TQ1_0",
  35: "TQ2_0",
  39: "MXFP4",
};

/** `tensor` names the tensor, for the error. */
export function tensorTypeOf(id: number, tensor: string): TensorType {
  const type = tensorTypes.find((candidate) => candidate.id === id);
  if (type) return type;
  const known = tensorTypes.map(({ name }) => name).join(", ");
  const got = unsupported[id] ? `${unsupported[id]} (type ${id})` : `type ${id}`;
  throw new UnsupportedError(`${tensor}: expected one of ${known}, got ${got}. Use a file quantised as one of those.`, {
    got: id,
  });
}
