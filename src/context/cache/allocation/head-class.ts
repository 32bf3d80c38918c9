/**
 * head-class: heads that look far back (retrieval heads) share what the others (streaming heads) do not need. The `streaming` of
 * all KV heads of the model with the lowest `retrieval` keep their sinks and window, the others the same number each, so that
 * the average is the budget. What the retrieval heads have no slots for goes back to the streaming heads.
 *
 * Xiao et al. 2024 (DuoAttention), arXiv 2410.10819; Tang et al. 2024 (RazorAttention), arXiv 2407.15891. There retrieval heads
 * keep everything, and the number of streaming heads follows from the memory.
 */
import { z } from "zod";
import { techniqueOptions } from "../../technique.ts";
import { forcedOf, totalOf } from "./across-heads.ts";
import { defineAllocation, type HeadScores } from "./allocation.ts";
import { evenShares } from "./even-shares.ts";
import { roundHalfEven } from "./half-even.ts";
import { highest } from "./highest.ts";

export const headClass = defineAllocation({
  id: "head-class",
  summary: "heads that look far back share what streaming heads do not need",
  source: "Xiao et al. 2024, arXiv 2410.10819; Tang et al. 2024, arXiv 2407.15891",
  options: techniqueOptions("head-class", {
    /** Of all KV heads: those that keep sinks and window only. */
    streaming: z.number().min(0).max(1).default(0.5),
  }),
  scope: "model",
  needsCalibration: true,
  keep(heads, { budget }, { streaming }) {
    const retrieval = heads.map(retrievalOf);
    const order = heads.map((_, index) => index).sort((a, b) => retrieval[a] - retrieval[b]);
    const streamingHeads = new Set(order.slice(0, roundHalfEven(streaming * heads.length)));
    const forced = heads.map(forcedOf);
    const slots = heads.map(({ scores }) => scores.length);
    const total = totalOf(heads, budget);
    const asStreaming = evenShares(
      heads.map((_, index) => ({
        least: forced[index],
        most: streamingHeads.has(index) ? forced[index] : slots[index],
      })),
      total,
    );
    const counts = evenShares(
      slots.map((most, index) => ({ least: asStreaming[index], most })),
      total,
    );
    return heads.map(({ scores }, index) => highest(scores, counts[index]));
  },
});

function retrievalOf({ layer, kvHead, retrieval }: HeadScores): number {
  if (retrieval === undefined) throw new Error(`head-class: layer ${layer}, KV head ${kvHead} has no calibration`);
  return retrieval;
}
