/** RoPE scaling with which a model was trained, as its GGUF file prescribes it. */
import type { ByteSource } from "../platform/platform.ts";
import { InputError, UnsupportedError } from "../runtime/errors.ts";
import type { Gguf } from "./gguf.ts";

export type RopeScaling =
  | { readonly type: "linear"; readonly factor: number }
  | {
      readonly type: "yarn";
      readonly factor: number;
      readonly originalLength: number;
      /** Multiplies what YaRN's formula gives. */
      readonly attentionFactor: number;
    }
  /** Frequencies are divided by these: llama3's, and longrope's list for the model's whole context. */
  | { readonly type: "divisors"; readonly divisors: readonly number[]; readonly attentionFactor: number };

/** undefined where a model has none. `source` is the file, for the lists that are tensors. */
export function readRopeScaling(gguf: Gguf, architecture: string, source?: ByteSource): RopeScaling | undefined {
  const { metadata } = gguf;
  const type = String(metadata.get(`${architecture}.rope.scaling.type`) ?? "none");
  const number = (name: string, fallback?: number): number => {
    const key = `${architecture}.${name}`;
    const value = metadata.get(key) ?? fallback;
    if (typeof value !== "number" || !(value > 0))
      throw new InputError(`model: metadata "${key}": expected a number above 0, got ${value}. Use another file.`);
    return value;
  };
  const attentionFactor = () => number("rope.scaling.attn_factor", 1);
  switch (type) {
    case "none":
      if (!gguf.tensors.has("rope_freqs.weight")) return undefined;
      return { type: "divisors", divisors: floatsOf(gguf, "rope_freqs.weight", source), attentionFactor: 1 };
    case "linear": {
      const factor = number("rope.scaling.factor", 1);
      return factor === 1 ? undefined : { type: "linear", factor };
    }
    case "yarn": {
      const originalLength = number("rope.scaling.original_context_length");
      return {
        type: "yarn",
        factor: number("rope.scaling.factor"),
        originalLength,
        attentionFactor: attentionFactor(),
      };
    }
    case "longrope": {
      const divisors = floatsOf(gguf, "rope_factors_long.weight", source);
      return { type: "divisors", divisors, attentionFactor: attentionFactor() };
    }
    default:
      throw new UnsupportedError(`model: rope scaling "${type}" of the file is not supported. Use a model without it.`);
  }
}

function floatsOf({ tensors }: Gguf, name: string, source?: ByteSource): number[] {
  if (!source) throw new Error(`model: tensor "${name}" without a file to read it from`);
  const tensor = tensors.get(name);
  if (tensor?.type.name !== "F32")
    throw new InputError(
      `model: tensor "${name}": expected one of type F32, got ${tensor?.type.name ?? "none"}. Use another file.`,
    );
  const bytes = new Uint8Array(tensor.bytes);
  source.read(tensor.offset, bytes);
  return Array.from(new Float32Array(bytes.buffer));
}
