/**
 * Llama 3.1's scaling: by wavelength λ = 2π / θ_m against the original length L.
 *
 *   λ < L / high        f = θ
 *   λ > L / low         f = θ / factor
 *   between             t = (L / λ − low) / (high − low),  f = (1 − t) θ / factor + t θ
 *
 * Dubey et al. 2024, arXiv 2407.21783; transformers, modeling_rope_utils. GGUF files carry it as rope_freqs.weight.
 */
import { z } from "zod";
import { definePosition, factorOption, positionOptions, trainedFrequencies } from "./method.ts";

export const llama3 = definePosition({
  id: "llama3",
  summary: "long wavelengths interpolated, short ones kept, a smooth step between",
  source: "Dubey et al. 2024, arXiv 2407.21783",
  options: positionOptions("llama3", {
    factor: factorOption,
    /** Default 1. */
    lowFrequencyFactor: z.number().positive().optional(),
    /** Default 4. */
    highFrequencyFactor: z.number().positive().optional(),
  }),
  reach: ({ factor }, trainedLength) => Math.floor(factor * trainedLength),
  frequencies({ factor, lowFrequencyFactor: low = 1, highFrequencyFactor: high = 4 }, trained) {
    const length = trained.contextLength;
    const scaled = (frequency: number) => {
      const wavelength = (2 * Math.PI) / frequency;
      if (wavelength < length / high) return frequency;
      if (wavelength > length / low) return frequency / factor;
      const t = (length / wavelength - low) / (high - low);
      return ((1 - t) * frequency) / factor + t * frequency;
    };
    return { inverse: trainedFrequencies(trained).map(scaled), attentionFactor: 1 };
  },
});
