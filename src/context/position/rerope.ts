/**
 * ReRoPE: beyond a window all keys stand at the same distance; with a leak they go on, more slowly.
 *
 *   i − j < window      distance i − j
 *   i − j ≥ window      distance window + (i − j − window) · leak          leak 0: window
 *
 * Su 2023, kexue.fm/archives/9708 (leak = 1 / k there). Far keys are a second copy.
 */
import { z } from "zod";
import { definePosition, positionOptions, reachOption } from "./method.ts";
import { asTrained } from "./rope.ts";
import { asIs, keyStore, PAGE, zone } from "./zones.ts";

export const rerope = definePosition({
  id: "rerope",
  summary: "near keys exact, far keys at one distance, or ever more slowly receding",
  source: "Su 2023, kexue.fm/archives/9708",
  options: positionOptions("rerope", {
    window: z.number().int().min(PAGE).default(512),
    /** Steps of distance for each token beyond the window: 0, or for example 1/16. */
    leak: z.number().min(0).lt(1).default(0),
    factor: reachOption,
  }),
  reach({ window, leak, factor }, trainedLength) {
    const most = factor * trainedLength;
    return leak === 0 ? most : Math.min(most, Math.floor((trainedLength - window) / leak) + window);
  },
  frequencies: (_, trained) => asTrained(trained),
  zones: ({ window, leak }) => ({
    stores: [keyStore(asIs, { window }), keyStore((j) => j * leak)],
    zones: [zone(asIs, { farthest: window }), zone((i) => window + (i - window) * leak, { store: 1, nearest: window })],
  }),
});
