/**
 * gemfilter: the first `layer` layers filter. What the last token looks at in the last of them is a prompt of its own, read from the
 * first layer on, one token behind the other; what the filter held is thrown away.
 *
 *   score_j = pool(mean over heads of softmax(q_n·k / √d)_j)      n: the last token
 *
 * GemFilter (arXiv 2409.17422), algorithm 1.
 */
import { PAGE_SLOTS } from "../../ops/attention.ts";
import { techniqueOptions } from "../technique.ts";
import { defineSelection } from "./method.ts";
import { headsOption, keepOption, layerOption, leastOption, poolOption, windowOption } from "./options.ts";
import { tokenScores } from "./scoring.ts";

export const gemfilter = defineSelection({
  id: "gemfilter",
  summary: "what the last token looks at half-way up is read as a shorter prompt",
  source: "GemFilter, arXiv 2409.17422",
  options: techniqueOptions("gemfilter", {
    layer: layerOption,
    keep: keepOption(1024),
    window: windowOption(1),
    pool: poolOption(5),
    heads: headsOption("mean"),
    least: leastOption,
  }),
  steps: ({ layer, keep, window, least }) => ({
    // The question goes on as a whole, though only its end asks.
    ...{ layer, keep, window, last: Math.max(window, PAGE_SLOTS), least },
    from: "beginning",
    positions: "closed-up",
  }),
  score: tokenScores,
});
