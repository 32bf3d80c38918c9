/**
 * RoPE as trained: the trivial member of the position axis. A file's own scaling belongs to the training.
 *
 *   angle(position, m) = position · base^(−2m / rotary)        m = 0 … rotary/2 − 1
 *
 * Su et al. 2021, arXiv 2104.09864.
 */

import { z } from "zod";
import { definePosition, type Frequencies, positionOptions, type TrainedRope, trainedFrequencies } from "./method.ts";
import { yarnFrequencies } from "./yarn.ts";

export const rope = definePosition({
  id: "rope",
  summary: "positions as the model was trained",
  source: "Su et al. 2021, arXiv 2104.09864",
  options: positionOptions("rope", {}).extend({ method: z.literal("rope").default("rope") }),
  reach: (_, trainedLength) => trainedLength,
  frequencies: (_, trained) => asTrained(trained),
});

export function asTrained(trained: TrainedRope): Frequencies {
  const { scaling } = trained;
  const inverse = trainedFrequencies(trained);
  switch (scaling?.type) {
    case undefined:
      return { inverse, attentionFactor: 1 };
    case "linear":
      return { inverse: inverse.map((frequency) => frequency / scaling.factor), attentionFactor: 1 };
    case "yarn": {
      const yarn = yarnFrequencies(trained, scaling);
      return { ...yarn, attentionFactor: yarn.attentionFactor * scaling.attentionFactor };
    }
    case "divisors":
      return {
        inverse: inverse.map((frequency, m) => frequency / scaling.divisors[m]),
        attentionFactor: scaling.attentionFactor,
      };
  }
}
