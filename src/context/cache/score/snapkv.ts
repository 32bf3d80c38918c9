/**
 * snapkv: score_j = pool(mean_i a_ij), the attention from the last `window` queries i, over slots before the window; the window
 * itself always stays. SnapKV (arXiv 2404.14469). The softmax is over the window's keys too. For grouped heads the mean over the
 * group comes before the pooling, which for mean pooling is the same as after it.
 */
import { z } from "zod";
import { techniqueOptions } from "../../technique.ts";
import { raiseForced } from "./forced.ts";
import { pool } from "./pooling.ts";
import { defineScore, forEachHead } from "./score.ts";
import { slotsBelow } from "./slots.ts";

export const snapkv = defineScore({
  id: "snapkv",
  summary: "tokens that the last queries look at, and their neighbours",
  source: "arXiv 2404.14469; kvpress SnapKVPress",
  options: techniqueOptions("snapkv", {
    /** Queries that look back. Works best if they are the question. */
    window: z.number().int().min(1).max(4096).default(64),
    /** Slots that are pooled; odd. */
    kernel: z
      .number()
      .int()
      .min(1)
      .max(1023)
      .refine((kernel) => kernel % 2 === 1, { error: "expected an odd number" })
      .default(5),
    pool: z.enum(["mean", "max"]).default("mean"),
  }),
  needs: ({ window }) => ({ queries: window }),
  score: (view, { window, kernel, pool: pooling }) => {
    const rows = Math.min(window, view.length);
    const before = Array.from({ length: view.numKvHeads }, (_, kvHead) => {
      return slotsBelow(view.positions(kvHead), view.length - rows);
    });
    const scores = forEachHead(view, (kvHead) => {
      const attention = view.attention(kvHead, rows);
      const row = new Float32Array(attention.length);
      row.set(pool(attention.subarray(0, before[kvHead]), kernel, pooling));
      return row;
    });
    return raiseForced(scores, (kvHead, slot) => slot >= before[kvHead]);
  },
});
