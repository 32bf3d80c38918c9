/**
 * Ada-KV: the heads of a layer compete for its budget. The `safeguard` of the budget that a head scores highest is its own; of
 * all other slots of the layer the lowest go, whichever head they are of.
 *
 * Feng et al. 2024, arXiv 2407.11550; kvpress AdaKVPress.
 */
import { z } from "zod";
import { techniqueOptions } from "../../technique.ts";
import { highestAcross, totalOf } from "./across-heads.ts";
import { defineAllocation } from "./allocation.ts";
import { highest } from "./highest.ts";

export const adaptive = defineAllocation({
  id: "adaptive",
  summary: "the heads of a layer compete for its budget",
  source: "Feng et al. 2024, arXiv 2407.11550; kvpress AdaKVPress",
  options: techniqueOptions("adaptive", {
    /** Of the budget: what no other head can take. */
    safeguard: z.number().min(0).max(1).default(0.2),
  }),
  scope: "layer",
  keep(heads, { budget }, { safeguard }) {
    const safe = safeguard > 0 ? Math.max(1, Math.trunc(budget * safeguard)) : 0;
    const guarded = heads.map((head) => {
      const scores = Float32Array.from(head.scores);
      for (const slot of highest(scores, safe))
        if (scores[slot] !== Number.POSITIVE_INFINITY) scores[slot] = LARGEST_FLOAT;
      return { ...head, scores };
    });
    return highestAcross(guarded, totalOf(heads, budget));
  },
});

/** Above every score, below what the plan forces. */
const LARGEST_FLOAT = (2 - 2 ** -23) * 2 ** 127;
