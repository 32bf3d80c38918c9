/**
 * fastkv: token-selective propagation. All tokens go through the layers below layer `layer`, counted from 1; through it and those
 * above only the ones go that the question looks at, from where they stood in the text:
 *
 *   score_j = pool(over heads of mean over the last `window` tokens i of softmax(q_i·k / √d)_j)      in layer `layer`, k of all tokens
 *
 * FastKV (arXiv 2502.01068), section 3. Its other half, which drops keys and values of what went on in every layer, is a cache
 * score beside it, such as snapkv.
 */
import { defineSelection } from "./method.ts";
import { commonSteps, selectionOptions } from "./options.ts";
import { tokenScores } from "./scoring.ts";

export const fastkv = defineSelection({
  id: "fastkv",
  summary: "the lower half of the layers reads all tokens, the upper only the ones that the question looks at",
  source: "FastKV, arXiv 2502.01068",
  options: selectionOptions("fastkv", {}),
  steps: (options) => ({ ...commonSteps(options), from: "layer", positions: "own" }),
  score: tokenScores,
});
