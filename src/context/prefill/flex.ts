/**
 * flex (FlexPrefill, arXiv 2502.20766), in whole pages: a query head's blocks see by their own estimate where that can be trusted, else by a
 * vertical-slash pattern of as many pages and distances as hold a share `mass`:
 *
 *   D = √JS(m̂ ‖ m)      m̂, m: shares of pages as estimated and as they are, for the 64 tokens before the span
 *   D < threshold: as block-sparse with `mass`;  else the fewest pages with Σ v ≥ mass · Σ all v, and distances with Σ s ≥ mass · Σ all s
 *
 * The estimate is block-sparse's antidiagonal sums, where the paper has products of mean queries and mean keys.
 */
import { z } from "zod";
import { techniqueOptions } from "../technique.ts";
import { heaviest, shareSought } from "./block-sparse.ts";
import { definePrefill } from "./method.ts";
import { denseBelowOption, massOption } from "./options.ts";
import { pagesOf, spanOption, sumsByPage } from "./vertical-slash.ts";

export const flex = definePrefill({
  id: "flex",
  summary: "by estimate where it agrees with the tokens just before, else by their pattern",
  source: "arXiv 2502.20766",
  options: techniqueOptions("flex", {
    mass: massOption.default(0.9),
    threshold: z.number().min(0).max(1).default(0.1),
    span: spanOption,
    denseBelow: denseBelowOption,
  }),
  needs: ({ span, denseBelow }) => ({ denseBelow, masses: [{ stride: 16 }], pattern: { span } }),
  pattern({ mass, threshold }, attention) {
    const { vertical, slash } = sumsByPage(attention);
    return {
      vertical: fewest(vertical, mass),
      slash: fewest(slash, mass),
      byMasses: Math.sqrt(divergence(attention.masses, vertical)) < threshold,
    };
  },
  pages({ mass }, { page, masses, pattern }) {
    if (!pattern) return undefined;
    return pattern.byMasses ? heaviest(masses, page, shareSought(mass)) : pagesOf(pattern, page);
  },
});

/** The fewest places that hold a share of the sum. */
export function fewest(values: Float32Array, share: number): number[] {
  const order = Array.from(values.keys()).sort((a, b) => values[b] - values[a] || a - b);
  const total = values.reduce((sum, value) => sum + value, 0);
  let held = 0;
  const count = order.findIndex((n) => {
    held += values[n];
    return held >= share * total;
  });
  return count < 0 ? order : order.slice(0, count + 1);
}

/** Jensen-Shannon divergence of two lists of shares, in bits: 0 to 1. */
export function divergence(a: Float32Array, b: Float32Array): number {
  const [totalA, totalB] = [a, b].map((values) => values.reduce((sum, value) => sum + value, 0));
  let sum = 0;
  a.forEach((value, n) => {
    const [p, q] = [value / totalA, b[n] / totalB];
    const middle = (p + q) / 2;
    if (p > 0) sum += (p * Math.log2(p / middle)) / 2;
    if (q > 0) sum += (q * Math.log2(q / middle)) / 2;
  });
  return Math.max(0, sum);
}
