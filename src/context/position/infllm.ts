/**
 * InfLLM: near tokens as trained; of what is older, the first tokens and the blocks most relevant to what is being read, all at
 * one distance. Nothing is forgotten, but the cost of a token is constant.
 *
 *   i − j < local                             distance i − j
 *   i − j ≥ local, the block of j is seen     distance local: keys unrotated, queries at local
 *
 * A block is a page of 64 tokens. Seen are the initial ones, the one that the local window has left in part, and for each KV head
 * the `blocks` others with the highest Σ q · r: over the queries of the group's heads and of the 16 tokens up to each 16th, for
 * it and the 15 tokens after it; r is the mean of the block's `representatives` unrotated keys that are least like the others,
 * −cos(k_j, mean of k / |k|).
 *
 * Xiao et al. 2024, arXiv 2402.04617. Different from the paper: its blocks have 128 tokens and are the same for all heads; it
 * chooses for the queries of a chunk of 512 while reading, which sees ahead and depends on how the text is cut, and for every
 * token while writing; and its representatives are the keys with the most attention from the local window. That keys unlike
 * the others get most attention is KeyDiff's finding (Park et al. 2025, arXiv 2504.15364), and needs no sums of attention.
 */
import { z } from "zod";
import { highest } from "../cache/allocation/highest.ts";
import { definePosition, positionOptions, reachOption } from "./method.ts";
import { asTrained } from "./rope.ts";
import { asIs, keyStore, PAGE, zone } from "./zones.ts";

const pagesOfTokens = (tokens: z.ZodNumber) =>
  tokens.int().refine((value) => value % PAGE === 0, { message: `expected a multiple of ${PAGE}` });

export const infllm = definePosition({
  id: "infllm",
  summary: "near tokens exact, and the older blocks most relevant to them, at one distance",
  source: "Xiao et al. 2024, arXiv 2402.04617",
  options: positionOptions("infllm", {
    /** Last tokens that are seen as they stand. Default: 4,096, or half of the trained length if that is less. */
    local: pagesOfTokens(z.number().min(PAGE)).optional(),
    /** First tokens, always seen. */
    initial: pagesOfTokens(z.number().min(0)).default(2 * PAGE),
    /** Pages that are chosen. */
    blocks: z.number().int().min(1).default(32),
    /** Keys that stand for a page. */
    representatives: z.number().int().min(1).max(PAGE).default(4),
    factor: reachOption,
  }),
  reach: ({ factor }, trainedLength) => factor * trainedLength,
  frequencies: (_, trained) => asTrained(trained),
  zones({ local, initial, blocks, representatives }, { contextLength }) {
    const half = Math.max(PAGE, Math.floor(contextLength / 2 / PAGE) * PAGE);
    const window = local ?? Math.min(4096, half);
    return {
      stores: [keyStore(asIs, { window }), keyStore(() => 0)],
      zones: [
        zone(asIs, { farthest: window }),
        zone(() => window, {
          store: 1,
          nearest: window,
          choice: {
            always: initial / PAGE,
            most: blocks,
            represent: (keys) => meanOfDistinct(keys, representatives),
          },
        }),
      ],
    };
  },
});

/** Mean of the `count` keys that are least like the mean direction; keys: [dimensions][PAGE]. */
export function meanOfDistinct(keys: Float32Array, count: number): Float32Array {
  const dimensions = keys.length / PAGE;
  const squares = new Float64Array(PAGE);
  for (let at = 0; at < keys.length; at++) squares[at % PAGE] += keys[at] ** 2;
  const inverse = squares.map((square) => 1 / Math.sqrt(Math.max(square, Number.MIN_VALUE)));
  const likeness = new Float64Array(PAGE);
  for (let c = 0; c < dimensions; c++) {
    const row = keys.subarray(c * PAGE, (c + 1) * PAGE);
    let direction = 0;
    for (let j = 0; j < PAGE; j++) direction += row[j] * inverse[j];
    for (let j = 0; j < PAGE; j++) likeness[j] += direction * row[j] * inverse[j];
  }
  const distinct = highest(
    Float32Array.from(likeness, (value) => -value),
    count,
  );
  return Float32Array.from({ length: dimensions }, (_, c) => {
    let sum = 0;
    for (const j of distinct) sum += keys[c * PAGE + j];
    return sum / count;
  });
}
