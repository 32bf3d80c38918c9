/**
 * block-sparse (XAttention, arXiv 2503.16428): of each block of 64 tokens the pages that together hold a share `mass` of its estimated
 * attention, largest first; the first page, the one before and its own always:
 *
 *   L[r][r'] = 1/(√d S) Σ_t q[(r+1)S−1−t] · k[r'S+t]        sums along antidiagonals of S × S tokens
 *   m[p] = mean over r of Σ_{r' in p} softmax(L[r])[r']
 *   seen = {0, b − 1, b} ∪ the largest m[p] until their sum, these included, reaches mass · Σ m
 *
 * One list for each query head: heads of one KV head look at different places, and what one of them needs is lost in a mean of all.
 */
import { z } from "zod";
import { techniqueOptions } from "../technique.ts";
import { definePrefill } from "./method.ts";
import { denseBelowOption, massOption } from "./options.ts";

export const blockSparse = definePrefill({
  id: "block-sparse",
  summary: "pages that hold most of the attention, as antidiagonal sums estimate it",
  source: "arXiv 2503.16428",
  options: techniqueOptions("block-sparse", {
    stride: z.union([z.literal(8), z.literal(16)]).default(16),
    mass: massOption.default(0.9),
    denseBelow: denseBelowOption,
  }),
  needs: ({ stride, mass, denseBelow }) => (mass < 1 ? { denseBelow, masses: { stride } } : { denseBelow }),
  pages: ({ mass }, { page, masses }) => (mass < 1 ? heaviest(masses, page, mass) : undefined),
});

/** Pages before `page`, ascending. */
export function heaviest(masses: Float32Array, page: number, mass: number): number[] {
  const always = new Set([0, page - 1, page].filter((n) => n >= 0));
  let total = 0;
  for (const each of masses) total += each;
  let held = 0;
  for (const n of always) held += masses[n];
  const seen = [...always].filter((n) => n < page);
  const others = Array.from({ length: Math.max(0, page - 2) }, (_, i) => i + 1).sort((a, b) => masses[b] - masses[a]);
  for (const n of others) {
    if (held >= mass * total) break;
    seen.push(n);
    held += masses[n];
  }
  return [...new Set(seen)].sort((a, b) => a - b);
}
