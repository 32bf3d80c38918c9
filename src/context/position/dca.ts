/**
 * Dual chunk attention: the text is cut into chunks of s tokens, and keys are turned to their place in their chunk.
 *
 *   same chunk          query at i mod s
 *   chunk before it     query at min(i mod s + s, c)      neighbours across the cut keep their distance up to c − s
 *   older chunks        query at c
 *
 * An et al. 2024, arXiv 2402.17463; ChunkLlama's c = 3/4 and c − s = 1/8 of the trained length, s rounded to whole pages.
 * One copy of the keys; distances never exceed c, whatever the length.
 */
import { z } from "zod";
import { definePosition, positionOptions, reachOption } from "./method.ts";
import { asTrained } from "./rope.ts";
import { keyStore, PAGE, zone } from "./zones.ts";

export const dca = definePosition({
  id: "dca",
  summary: "positions within chunks; older chunks at one fixed distance",
  source: "An et al. 2024, arXiv 2402.17463",
  options: positionOptions("dca", {
    /** c, in tokens. Default: three quarters of the trained length. */
    chunk: z
      .number()
      .int()
      .min(2 * PAGE)
      .optional(),
    /** c − s, in tokens. Default: an eighth of the trained length. */
    local: z.number().int().min(1).optional(),
    factor: reachOption,
  }),
  reach: ({ factor }, trainedLength) => factor * trainedLength,
  frequencies: (_, trained) => asTrained(trained),
  zones({ chunk, local }, { contextLength }) {
    const c = chunk ?? Math.floor((contextLength * 3) / 4);
    const pages = Math.max(1, Math.floor((c - (local ?? Math.floor(contextLength / 8))) / PAGE));
    const s = pages * PAGE;
    const first = (page: number) => page - (page % pages);
    return {
      stores: [keyStore((j) => j % s)],
      zones: [
        zone((i) => i % s, { pages: (page) => [first(page), page] }),
        zone((i) => Math.min((i % s) + s, c), { pages: (page) => [Math.max(0, first(page) - pages), first(page)] }),
        zone(() => c, { pages: (page) => [0, Math.max(0, first(page) - pages)] }),
      ],
    };
  },
});
