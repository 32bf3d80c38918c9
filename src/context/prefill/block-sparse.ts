/**
 * block-sparse (XAttention, arXiv 2503.16428): of each block of 64 tokens the pages that hold most of its estimated attention, largest
 * first, so that 95 of 100 tokens see at least `mass` − 0.05 of theirs; the first page, the one before and its own always:
 *
 *   L[r][r'] = 1/(√d S) Σ_t q[(r+1)S−1−t] · k[r'S+t];  m[p] = mean over odd r of Σ_{r' in p} softmax(L[r])[r']     antidiagonals
 *   m[p] = mean over tokens i = 7, 23, 39, 55 of the block of Σ_{j in p} softmax(q_i·k / √d)_j                       rows
 *   m[p] = max of the two
 *   seen = {0, b − 1, b} ∪ the largest m[p] until their sum, these included, reaches (1 − SLACK · (1 − mass)) · Σ m
 *
 * Antidiagonals, sums over S × S tokens, are the paper's (there of all runs r): many tokens have a part in them, but a single one that a
 * token looks at is lost in a sum. Rows are SampleAttention's (arXiv 2406.15486): four tokens as they are, and nothing of the others.
 * SLACK: m is a mean of 64 tokens' attention, and an estimate: where the pages hold a share of it, many a token has less of its own on them.
 *
 * Some layers may ask for more (`middle`): what is told once is found by what they make of it.
 *
 * One list for each query head: heads of one KV head look at different places, and what one of them needs is lost in a mean of all.
 */
import { z } from "zod";
import { techniqueOptions } from "../technique.ts";
import { definePrefill } from "./method.ts";
import { denseBelowOption, massIn, massOption, middleOption } from "./options.ts";

/** Found with Qwen2.5-Coder-0.5B on 8K tokens of prose, and held by SmolLM2-135M; with true means for estimates it would be 0.7. */
const SLACK = 0.5;

export const blockSparse = definePrefill({
  id: "block-sparse",
  summary: "pages that hold most of the attention, as antidiagonal sums and four tokens tell",
  source: "arXiv 2503.16428",
  options: techniqueOptions("block-sparse", {
    /** S */
    stride: z.union([z.literal(8), z.literal(16)]).default(16),
    mass: massOption.default(0.8),
    /** Layers that see another mass. */
    middle: middleOption.optional(),
    denseBelow: denseBelowOption,
  }),
  needs({ stride, mass, middle, denseBelow }) {
    return Math.min(mass, middle?.mass ?? 1) < 1 ? { denseBelow, masses: [{ stride }, {}] } : { denseBelow };
  },
  pages(options, { page, layer, numLayers, masses }) {
    const mass = massIn(options, layer, numLayers);
    return mass < 1 ? heaviest(masses, page, shareSought(mass)) : undefined;
  },
});

/** What the pages of a block have to hold together, so that its tokens see `mass` of their attention. */
export function shareSought(mass: number): number {
  return 1 - SLACK * (1 - mass);
}

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
