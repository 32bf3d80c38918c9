/**
 * StreamingLLM: the first tokens and the last ones, nothing between. Positions count within what is kept.
 *
 *   i − j < window      distance i − j
 *   j < sinks           distance min(i, sinks + window − 1) − j
 *
 * Xiao et al. 2023, arXiv 2309.17453. The original turns all kept keys anew at every step; turning the query for the
 * sinks alone gives the same scores. Memory and time a token are constant; the middle of the text is forgotten.
 */
import { z } from "zod";
import { definePosition, positionOptions, reachOption } from "./method.ts";
import { asTrained } from "./rope.ts";
import { asIs, keyStore, PAGE, zone } from "./zones.ts";

export const sinkWindow = definePosition({
  id: "sink-window",
  summary: "first and last tokens only, in constant memory; forgets the middle",
  source: "Xiao et al. 2023, arXiv 2309.17453",
  options: positionOptions("sink-window", {
    sinks: z.number().int().min(1).max(PAGE).default(4),
    /** Last tokens that are seen. Default: three quarters of the trained length. */
    window: z.number().int().min(PAGE).optional(),
    factor: reachOption,
  }),
  reach: ({ factor }, trainedLength) => factor * trainedLength,
  frequencies: (_, trained) => asTrained(trained),
  zones({ sinks, window }, { contextLength }) {
    const last = window ?? Math.max(PAGE, Math.floor((contextLength * 3) / 4));
    return {
      stores: [keyStore(asIs, { window: last, sinks })],
      zones: [
        zone(asIs, { farthest: last }),
        zone((i) => Math.min(i, sinks + last - 1), { nearest: last, keyEnd: sinks }),
      ],
    };
  },
});
