/**
 * spec-prefill: a cheap reading says which spans of the prompt matter, and only these are read, from where they stood in the text.
 * Here the cheap reading is that of the model's own first `layer` layers:
 *
 *   score_j = mean over the span of j of pool(maximum over heads of mean over the last `window` tokens i of softmax(q_i·k / √d)_j)
 *
 * SpecPrefill (arXiv 2502.02789), section 3, which reads with a small model of the same family and asks with the tokens that it would
 * write next.
 */
import { techniqueOptions } from "../technique.ts";
import { defineSelection } from "./method.ts";
import { headsOption, keepOption, layerOption, leastOption, poolOption, spanOption, windowOption } from "./options.ts";
import { tokenScores } from "./scoring.ts";

export const specPrefill = defineSelection({
  id: "spec-prefill",
  summary: "spans that a cheap reading finds are read alone, from where they stand",
  source: "SpecPrefill, arXiv 2502.02789",
  options: techniqueOptions("spec-prefill", {
    layer: layerOption,
    keep: keepOption(0.25),
    window: windowOption(64),
    pool: poolOption(13),
    heads: headsOption("maximum"),
    span: spanOption(32),
    least: leastOption,
  }),
  steps: ({ layer, keep, window, least }) => ({
    ...{ layer, keep, window, last: window, least },
    from: "beginning",
    positions: "own",
  }),
  score: tokenScores,
});
