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

/** Pages before `page`, ascending. Called for every block and head: a typed array is sorted twenty times as fast as a list by its shares. */
export function heaviest(masses: Float32Array, page: number, mass: number): number[] {
  let needed = -masses[page];
  for (let n = 0; n <= page; n++) needed += mass * masses[n];
  if (page > 0) needed -= masses[0];
  if (page > 1) needed -= masses[page - 1];
  const sorted = masses.slice(1, Math.max(1, page - 1)).sort();
  let count = 0;
  while (needed > 0 && count < sorted.length) needed -= sorted[sorted.length - 1 - count++];
  const least = count > 0 ? sorted[sorted.length - count] : Number.POSITIVE_INFINITY;
  let ties = count - sorted.length;
  for (let i = 0; i < sorted.length && sorted[i] <= least; i++) ties++;
  const seen: number[] = [];
  for (let n = 0; n < page; n++) {
    const isChosen = masses[n] > least || (masses[n] === least && ties > 0);
    if (n === 0 || n === page - 1) seen.push(n);
    else if (isChosen) {
      seen.push(n);
      if (masses[n] === least) ties--;
    }
  }
  return seen;
}
