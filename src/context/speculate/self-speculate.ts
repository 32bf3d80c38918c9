/**
 * Self-speculation: the model drafts with part of the past in sight, and checks with all of it.
 *
 *   d_1 .. d_k: after the token, each the likeliest where a step sees only what the plan's `decode` chooses
 *   step = [token, d_1 .. d_k] with full attention; d_i counts if d_1 .. d_i are what the model then chooses
 *
 * A draft costs a step without most of its attention, so this is for texts whose pages take longer to read than the weights.
 * Source: MagicDec, arXiv 2408.11049; TriForce, arXiv 2404.11912.
 */
import { z } from "zod";
import { techniqueOptions } from "../technique.ts";
import { defineSpeculation, MOST_DRAFTED } from "./method.ts";

export const selfSpeculate = defineSpeculation({
  id: "self-speculate",
  summary: "what the model itself writes with the pages that decode chooses, checked with all pages",
  source: "MagicDec, arXiv 2408.11049; TriForce, arXiv 2404.11912",
  options: techniqueOptions("self-speculate", {
    draft: z.number().int().min(2).max(MOST_DRAFTED).default(3),
  }),
  draftsItself: ({ draft }) => draft,
});
