/**
 * InfLLM: near tokens as trained; of what is older, the first tokens and the blocks most relevant to what is being read, all at
 * one distance. Nothing is forgotten, but a token attends to a bounded number of keys.
 *
 *   i − j < local                             distance i − j
 *   i − j ≥ local, the block of j is seen     distance local: keys unrotated, queries at local
 *
 * A block is a page of 64 tokens. Seen are the initial ones, the one that the local window has left in part, and, for each KV
 * head, the `blocks` others with the highest
 *
 *   max_r q · r      q: sum of the queries of the group's heads and of the 16 tokens up to each 16th, for it and 15 tokens after it
 *                    r: the block's `representatives` unrotated keys that are least like the others: lowest cos(k, Σ k_j / |k_j|)
 *
 * Xiao et al. 2024, arXiv 2402.04617. Different from the paper:
 * - It chooses for the queries of a chunk of 512 tokens while reading, which sees ahead and depends on how the text is cut. Here
 *   the choice is a function of the text before a token. Its blocks have 128 tokens and are the same for all heads.
 * - Its representatives are the keys with the most attention from the local window. Keys unlike the others get most of it
 *   (KeyDiff, Park et al. 2025, arXiv 2504.15364), and finding them needs no sums of attention.
 * - It adds the products of all representatives. On 6,000 tokens with SmolLM2-135M, 16 of up to 76 blocks hold 67% of the
 *   attention that goes to all of them if chosen by it, 65% by the largest product of any key, 64% by that of 4 representatives,
 *   57% by the sum (58% with the paper's representatives), 52% by the mean key, 32% at random.
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
            representatives,
            represent: (keys) => distinctKeys(keys, representatives),
          },
        }),
      ],
    };
  },
});

/** The `count` keys that are least like the mean direction, [count][dimensions]; keys: [dimensions][PAGE]. */
export function distinctKeys(keys: Float32Array, count: number): Float32Array {
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
  const chosen = new Float32Array(count * dimensions);
  distinct.forEach((j, n) => {
    for (let c = 0; c < dimensions; c++) chosen[n * dimensions + c] = keys[c * PAGE + j];
  });
  return chosen;
}
