/**
 * fastkv: token-selective propagation. All tokens go through the first `layer` layers; through those above only the ones go that
 * the question looks at, from where they stood in the text:
 *
 *   score_j = pool(over heads of mean over the last `window` tokens i of softmax(q_i·k / √d)_j)      at the last of these layers
 *
 * FastKV (arXiv 2502.01068), section 3.1. Its other half, which drops keys and values of what went on in every layer, is a cache
 * score beside it, such as snapkv.
 */
import { techniqueOptions } from "../technique.ts";
import { defineSelection } from "./method.ts";
import { headsOption, keepOption, layerOption, leastOption, poolOption, windowOption } from "./options.ts";
import { tokenScores } from "./scoring.ts";

export const fastkv = defineSelection({
  id: "fastkv",
  summary: "half of the layers read all tokens, those above only the ones that the question looks at",
  source: "FastKV, arXiv 2502.01068",
  options: techniqueOptions("fastkv", {
    layer: layerOption,
    keep: keepOption(0.25),
    window: windowOption(64),
    pool: poolOption(7),
    heads: headsOption("mean"),
    least: leastOption,
  }),
  steps: ({ layer, keep, window, least }) => ({
    ...{ layer, keep, window, last: window, least },
    from: "layer",
    positions: "own",
  }),
  score: tokenScores,
});
