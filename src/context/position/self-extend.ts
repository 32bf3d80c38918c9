/**
 * Self-Extend: near keys as trained, far ones in groups that share a position.
 *
 *   i − j < window      distance i − j
 *   i − j ≥ window      distance ⌊i / group⌋ − ⌊j / group⌋ + window − window / group
 *
 * Jin et al. 2024, arXiv 2401.01325; group must divide window. Far keys are a second copy; near ones are kept for the
 * window only. Reaches (trained − window) · group + window tokens.
 */
import { z } from "zod";
import { definePosition, positionOptions } from "./method.ts";
import { asTrained } from "./rope.ts";
import { asIs, keyStore, PAGE, zone } from "./zones.ts";

export const selfExtend = definePosition({
  id: "self-extend",
  summary: "near keys exact, far keys in groups that share a position",
  source: "Jin et al. 2024, arXiv 2401.01325",
  options: positionOptions("self-extend", {
    group: z.number().int().min(2).default(8),
    window: z.number().int().min(PAGE).default(1024),
  }).refine(({ group, window }) => window % group === 0, { message: "group must divide window", path: ["group"] }),
  reach: ({ group, window }, trainedLength) => (trainedLength - window) * group + window,
  frequencies: (_, trained) => asTrained(trained),
  zones: ({ group, window }) => ({
    stores: [keyStore(asIs, { window }), keyStore((j) => Math.floor(j / group))],
    zones: [
      zone(asIs, { farthest: window }),
      zone((i) => Math.floor(i / group) + window - window / group, { store: 1, nearest: window }),
    ],
  }),
});
