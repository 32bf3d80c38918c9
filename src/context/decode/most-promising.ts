/** What methods that choose pages by a score have in common. */
import { z } from "zod";
import type { DecodeStep } from "./method.ts";

const PAGE = 64;

export const topOptions = {
  /** Tokens that a KV head sees, in whole pages. */
  budget: z.number().int().min(256).default(2048),
  /** First layers that see everything. */
  denseLayers: z.number().int().min(0).default(2),
  /** Pages are chosen anew every so many tokens. */
  every: z.number().int().min(1).default(4),
  /** First and last tokens that are always seen, in whole pages. */
  sinks: z.number().int().min(1).default(PAGE),
  window: z.number().int().min(PAGE).default(256),
};

export type TopOptions = { [Key in keyof typeof topOptions]: number };

export function budgetHoldsAll({ budget, denseLayers }: TopOptions, layer: number, pages: number): boolean {
  return layer < denseLayers || pages * PAGE <= budget;
}

/** Pages of the ends, and of the others those for which some row comes nearest to the best that it gives any page. */
export function mostPromising({ budget, sinks, window }: TopOptions, { pages, scores }: DecodeStep): number[] {
  const first = Math.min(pages, Math.ceil(sinks / PAGE));
  const last = Math.max(first, pages - Math.ceil(window / PAGE));
  const value = new Float32Array(pages).fill(Number.NEGATIVE_INFINITY);
  for (let row = 0; row < scores.length; row += pages) {
    let best = Number.NEGATIVE_INFINITY;
    for (let p = 0; p < pages; p++) best = Math.max(best, scores[row + p]);
    for (let p = 0; p < pages; p++) value[p] = Math.max(value[p], scores[row + p] - best);
  }
  const count = Math.max(0, Math.ceil(budget / PAGE) - first - (pages - last));
  const middle = Array.from({ length: last - first }, (_, i) => first + i).sort((a, b) => value[b] - value[a] || a - b);
  const ends = Array.from({ length: pages }, (_, n) => n).filter((n) => n < first || n >= last);
  return [...middle.slice(0, count), ...ends].sort((a, b) => a - b);
}
