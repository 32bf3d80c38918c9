/**
 * NTK-aware scaling: a larger base, which divides the slowest pair by the factor and leaves the fastest alone.
 *
 *   base' = base · factor^(rotary / (rotary − 2))
 *
 * bloc97, "NTK-Aware Scaled RoPE", 2023; dynamic form as in transformers: with n tokens and a trained length L,
 *
 *   base' = base · (factor · n / L − (factor − 1))^(rotary / (rotary − 2))
 *
 * Keys are cached after rotation, so n is fixed for a whole sequence, at `length`; transformers lets it grow with the text,
 * which makes cached keys inconsistent.
 */
import { z } from "zod";
import {
  definePosition,
  type Frequencies,
  factorOption,
  positionOptions,
  type TrainedRope,
  trainedFrequencies,
} from "./method.ts";

export const ntk = definePosition({
  id: "ntk",
  summary: "a larger base: slow frequencies are interpolated, fast ones kept",
  source: "bloc97 2023, NTK-Aware Scaled RoPE",
  options: positionOptions("ntk", { factor: factorOption }),
  reach: ({ factor }, trainedLength) => Math.floor(factor * trainedLength),
  frequencies: ({ factor }, trained) => withBase(trained, factor),
});

export const dynamicNtk = definePosition({
  id: "dynamic-ntk",
  summary: "a base for the length at hand, fixed for the sequence",
  source: "emozilla 2023; transformers, modeling_rope_utils",
  options: positionOptions("dynamic-ntk", {
    factor: z.number().min(1),
    /** Tokens that the sequence may grow to. Default: factor times the trained length. */
    length: z.number().int().min(1).optional(),
  }),
  reach: ({ factor, length }, trainedLength) => length ?? Math.floor(factor * trainedLength),
  frequencies({ factor, length }, trained) {
    const n = Math.max(length ?? factor * trained.contextLength, trained.contextLength);
    return withBase(trained, (factor * n) / trained.contextLength - (factor - 1));
  },
});

function withBase({ base, rotary }: TrainedRope, scale: number): Frequencies {
  return { inverse: trainedFrequencies({ base: base * scale ** (rotary / (rotary - 2)), rotary }), attentionFactor: 1 };
}
