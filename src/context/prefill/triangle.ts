/**
 * triangle (Tri-shape, TriangleMix, arXiv 2507.21526): full attention in lower layers; above them first tokens and a window, but for
 * the last tokens of the prompt, which see everything:
 *
 *   layer < from, or at most `last` tokens of the prompt begin with the block: all pages;  else as sink-window
 */
import { z } from "zod";
import { techniqueOptions } from "../technique.ts";
import { definePrefill } from "./method.ts";
import { denseBelowOption, endsOf, PAGE, sinksOption } from "./options.ts";

export const triangle = definePrefill({
  id: "triangle",
  summary: "lower layers full; above them first tokens and a window, the prompt's end sees all",
  source: "arXiv 2507.21526; Tri-shape in arXiv 2412.10319",
  options: techniqueOptions("triangle", {
    /** First layer that is not full. Default: half of the layers. */
    from: z.number().int().min(0).optional(),
    sinks: sinksOption,
    window: z.number().int().min(64).default(512),
    /** Last tokens of the prompt that see everything. */
    last: z.number().int().min(0).default(128),
    denseBelow: denseBelowOption,
  }),
  needs: ({ denseBelow, last }) => ({ denseBelow, lastTokens: last }),
  pages({ from, last, ...ends }, { page, layer, numLayers, tokensAfter }) {
    const isFull = layer < (from ?? Math.floor(numLayers / 2)) || tokensAfter + PAGE <= last;
    return isFull ? undefined : endsOf(page, ends);
  },
});
