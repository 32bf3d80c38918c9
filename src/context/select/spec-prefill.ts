/**
 * spec-prefill: a cheap reading says which spans of the prompt matter, and only these are read, from where they stood in the text.
 * Here the cheap reading is that of the model's own first `layer` layers:
 *
 *   score_j = mean over the span of j of pool(over heads of mean over the last `window` tokens i of softmax(q_i·k / √d)_j)
 *
 * SpecPrefill (arXiv 2502.02789), section 3, which reads with a small model of the same family and asks with the tokens that it would
 * write next.
 */
import { z } from "zod";
import { PAGE_SLOTS } from "../../ops/attention.ts";
import { defineSelection } from "./method.ts";
import { commonSteps, selectionOptions } from "./options.ts";
import { tokenScores } from "./scoring.ts";

export const specPrefill = defineSelection({
  id: "spec-prefill",
  summary: "spans that a cheap reading finds are read alone, from where they stand",
  source: "SpecPrefill, arXiv 2502.02789",
  options: selectionOptions("spec-prefill", {
    /** Tokens that go on together or not at all. */
    span: z
      .number()
      .int()
      .min(1)
      .refine((span) => PAGE_SLOTS % span === 0, { error: `expected a divisor of ${PAGE_SLOTS}` })
      .default(32),
  }),
  steps: (options) => ({ ...commonSteps(options), from: "beginning", positions: "own" }),
  score: tokenScores,
});
