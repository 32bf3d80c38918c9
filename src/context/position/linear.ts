/**
 * Position interpolation: all positions are squeezed into the trained range.
 *
 *   f_m = base^(−2m / rotary) / factor
 *
 * Chen et al. 2023, arXiv 2306.15595. Without fine-tuning it blurs neighbouring tokens: poor beyond a factor of 2.
 */
import { definePosition, factorOption, positionOptions, trainedFrequencies } from "./method.ts";

export const linear = definePosition({
  id: "linear",
  summary: "position interpolation: every frequency divided by the factor",
  source: "Chen et al. 2023, arXiv 2306.15595",
  options: positionOptions("linear", { factor: factorOption }),
  reach: ({ factor }, trainedLength) => Math.floor(factor * trainedLength),
  frequencies: ({ factor }, trained) => ({
    inverse: trainedFrequencies(trained).map((frequency) => frequency / factor),
    attentionFactor: 1,
  }),
});
