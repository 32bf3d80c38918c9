/**
 * PyramidKV: lower layers keep more, upper layers less, on a straight line. Budget B, n tokens read, window w, layer l of L:
 *
 *   low = B / beta    high = 2B − low    if high ≥ n − w: high = n − w, low = 2B − high
 *   keep_l = round(high − l · (high − low) / (L − 1)), halves to even
 *
 * and round(B) in all layers unless L > 1 and n ≥ high ≥ low ≥ w: so a budget below beta · w, and at most about half the text,
 * makes no pyramid. Here neither does one whose `low` is less than the plan forces: the layers would keep more than B on average.
 *
 * Cai et al. 2024, arXiv 2406.02069; kvpress PyramidKVPress, which gives a single layer the first one's share.
 */
import { z } from "zod";
import { techniqueOptions } from "../../technique.ts";
import { forcedOf } from "./across-heads.ts";
import { type AllocationRequest, defineAllocation } from "./allocation.ts";
import { roundHalfEven } from "./half-even.ts";
import { highest } from "./highest.ts";

export const pyramid = defineAllocation({
  id: "pyramid",
  summary: "lower layers keep more than upper ones",
  source: "Cai et al. 2024, arXiv 2406.02069; kvpress PyramidKVPress",
  options: techniqueOptions("pyramid", {
    /** How many times less than the budget the last layer keeps. */
    beta: z.number().min(1).default(20),
    /** No layer keeps fewer. */
    window: z.number().int().min(0).default(64),
  }),
  scope: "layer",
  keep(heads, request, { beta, window }) {
    const forced = heads.reduce((most, head) => Math.max(most, forcedOf(head)), 0);
    return heads.map(({ layer, scores }) =>
      highest(scores, Math.max(forced, countOf(layer, request, { beta, window, forced }))),
    );
  },
});

function countOf(
  layer: number,
  { budget, length, numLayers }: AllocationRequest,
  { beta, window, forced }: { beta: number; window: number; forced: number },
): number {
  let low = budget / beta;
  let high = 2 * budget - low;
  if (high >= length - window) {
    high = length - window;
    low = 2 * budget - high;
  }
  const holds = numLayers > 1 && length >= high && high >= low && low >= Math.max(window, forced);
  if (!holds) return Math.max(1, roundHalfEven(budget));
  return roundHalfEven(high - layer * ((high - low) / (numLayers - 1)));
}
