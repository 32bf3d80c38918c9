/**
 * LongRoPE: every pair has its own divisor, found by search for one model; another list up to the original length.
 *
 *   f_m = θ_m / divisor_m        attention factor √(1 + ln(factor) / ln(original length))
 *
 * Ding et al. 2024, arXiv 2402.13753. Keys are cached after rotation, so the list is chosen once for a sequence.
 */
import { z } from "zod";
import { definePosition, factorOption, positionOptions, trainedFrequencies } from "./method.ts";

export const longrope = definePosition({
  id: "longrope",
  summary: "a divisor for every frequency, found for the model",
  source: "Ding et al. 2024, arXiv 2402.13753",
  options: positionOptions("longrope", {
    factor: factorOption,
    /** One for each pair. */
    divisors: z.array(z.number().positive()).min(1),
    attentionFactor: z.number().positive().optional(),
  }),
  reach: ({ factor }, trainedLength) => Math.floor(factor * trainedLength),
  frequencies: ({ factor, divisors, attentionFactor }, trained) => ({
    inverse: trainedFrequencies(trained).map((frequency, m) => frequency / divisors[m]),
    attentionFactor: attentionFactor ?? longropeAttentionFactor(factor, trained.contextLength),
  }),
});

export function longropeAttentionFactor(factor: number, originalLength: number): number {
  return factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalLength));
}
