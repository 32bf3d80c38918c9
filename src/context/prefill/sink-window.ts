/**
 * sink-window (A-shape; StreamingLLM, arXiv 2309.17453, as a pattern of prefill in MInference, arXiv 2407.02490):
 *
 *   block b of 64 tokens sees pages p < ⌈sinks / 64⌉ and p ≥ b − ⌈window / 64⌉
 *
 * Keys are all kept, so a token that is written later sees them, but what lies between has never met what came long after it.
 */
import { z } from "zod";
import { techniqueOptions } from "../technique.ts";
import { definePrefill } from "./method.ts";
import { denseBelowOption, endsOf, sinksOption } from "./options.ts";

export const sinkWindow = definePrefill({
  id: "sink-window",
  summary: "first tokens and a window",
  source: "arXiv 2309.17453; A-shape in arXiv 2407.02490",
  options: techniqueOptions("sink-window", {
    sinks: sinksOption,
    window: z.number().int().min(64).default(2048),
    denseBelow: denseBelowOption,
  }),
  needs: ({ denseBelow }) => ({ denseBelow }),
  pages: (options, { page }) => endsOf(page, options),
});
