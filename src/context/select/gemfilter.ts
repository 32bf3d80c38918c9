/**
 * gemfilter: the first `layer` layers filter. What the question looks at in the last of them is a prompt of its own, read from the
 * first layer on, one token behind the other; what the filter held is thrown away.
 *
 *   score_j = pool(over heads of mean over the last `window` tokens i of softmax(q_i·k / √d)_j)
 *
 * GemFilter (arXiv 2409.17422), algorithm 1, where the last token alone asks.
 */
import { defineSelection } from "./method.ts";
import { commonSteps, selectionOptions } from "./options.ts";
import { tokenScores } from "./scoring.ts";

export const gemfilter = defineSelection({
  id: "gemfilter",
  summary: "what the question looks at half-way up is read as a shorter prompt",
  source: "GemFilter, arXiv 2409.17422",
  options: selectionOptions("gemfilter", {}),
  steps: (options) => ({ ...commonSteps(options), from: "beginning", positions: "closed-up" }),
  score: tokenScores,
});
