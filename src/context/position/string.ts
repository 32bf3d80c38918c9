/**
 * STRING: far keys come nearer, onto distances that training saw often.
 *
 *   i − j < near        distance i − j
 *   i − j ≥ near        distance i − j − near + shift
 *
 * An et al. 2024, arXiv 2410.18745. One copy of the keys. It makes better use of the trained length rather than
 * extending it: it reaches only near − shift tokens further.
 */
import { z } from "zod";
import { definePosition, positionOptions } from "./method.ts";
import { asTrained } from "./rope.ts";
import { asIs, keyStore, PAGE, zone } from "./zones.ts";

export const string = definePosition({
  id: "string",
  summary: "far keys moved onto distances that training saw often",
  source: "An et al. 2024, arXiv 2410.18745",
  options: positionOptions("string", {
    /** Default: a third of the trained length. */
    near: z.number().int().min(PAGE).optional(),
    /** Distance at which far keys begin. */
    shift: z.number().int().min(1).default(128),
  }),
  reach: ({ near, shift }, trainedLength) => trainedLength + nearOf(near, trainedLength) - shift,
  frequencies: (_, trained) => asTrained(trained),
  zones({ near, shift }, { contextLength }) {
    const width = nearOf(near, contextLength);
    return {
      stores: [keyStore(asIs)],
      zones: [zone(asIs, { farthest: width }), zone((i) => i - width + shift, { nearest: width })],
    };
  },
});

function nearOf(near: number | undefined, trainedLength: number): number {
  return near ?? Math.max(PAGE, Math.floor(trainedLength / 3));
}
