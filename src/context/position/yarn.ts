/**
 * YaRN: pairs that turn often within the trained length L keep their frequency, pairs that never complete a turn are
 * interpolated, those between are mixed; scores are sharpened.
 *
 *   dim(r) = rotary · ln(L / 2πr) / (2 ln base)         low = ⌊dim(32)⌋, high = ⌈dim(1)⌉
 *   γ_m = 1 − clamp((m − low) / (high − low), 0, 1)     1 extrapolates, 0 interpolates
 *   f_m = θ_m · ((1 − γ_m) / factor + γ_m)              attention factor 0.1 ln(factor) + 1
 *
 * Peng et al. 2023, arXiv 2309.00071; the ramp's ends as in transformers, modeling_rope_utils.
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

export interface YarnParameters {
  readonly factor: number;
  readonly originalLength: number;
  /** Turns within the trained length above which nothing changes. */
  readonly betaFast?: number;
  /** Turns below which a pair is interpolated. */
  readonly betaSlow?: number;
  /** The ramp's ends are whole pairs. */
  readonly truncate?: boolean;
}

export const yarn = definePosition({
  id: "yarn",
  summary: "fast frequencies kept, slow ones interpolated, scores sharpened",
  source: "Peng et al. 2023, arXiv 2309.00071",
  options: positionOptions("yarn", {
    factor: factorOption,
    betaFast: z.number().positive().optional(),
    betaSlow: z.number().positive().optional(),
    attentionFactor: z.number().positive().optional(),
    /** false: the ramp's ends are not rounded to whole pairs. */
    truncate: z.boolean().optional(),
  }),
  reach: ({ factor }, trainedLength) => Math.floor(factor * trainedLength),
  frequencies({ attentionFactor, ...ramp }, trained) {
    const result = yarnFrequencies(trained, { ...ramp, originalLength: trained.contextLength });
    return { ...result, attentionFactor: attentionFactor ?? result.attentionFactor };
  },
});

export function yarnFrequencies(
  { base, rotary }: Pick<TrainedRope, "base" | "rotary">,
  { factor, originalLength, betaFast = 32, betaSlow = 1, truncate = true }: YarnParameters,
): Frequencies {
  const [down, up] = truncate ? [Math.floor, Math.ceil] : [Number, Number];
  const pairOf = (turns: number) => (rotary * Math.log(originalLength / (2 * Math.PI * turns))) / (2 * Math.log(base));
  const low = Math.max(down(pairOf(betaFast)), 0);
  const high = Math.min(up(pairOf(betaSlow)), rotary - 1);
  const width = high === low ? 0.001 : high - low;
  return {
    inverse: trainedFrequencies({ base, rotary }).map((frequency, m) => {
      const interpolated = Math.min(1, Math.max(0, (m - low) / width));
      return frequency * (interpolated / factor + 1 - interpolated);
    }),
    attentionFactor: 0.1 * Math.log(factor) + 1,
  };
}
