/** Options that all selections have, and what of them is told to the engine. */
import { z } from "zod";
import { PAGE_SLOTS } from "../../ops/attention.ts";
import { layerOption } from "../layer-option.ts";
import { techniqueOptions } from "../technique.ts";
import type { SelectionSteps } from "./method.ts";

const tokens = z
  .number()
  .int()
  .min(1)
  .max(2 ** 24);

/** Options of a selection: its own, and what all have. */
export function selectionOptions<Id extends string, Shape extends z.ZodRawShape>(id: Id, shape: Shape) {
  return techniqueOptions(id, {
    /** The layer that scores, counted from 1. All tokens go through those below it, and give it their keys. */
    layer: layerOption.positive().optional(),
    /** A share of the prompt, or a number of tokens. */
    keep: z
      .number()
      .positive()
      .max(2 ** 24)
      .refine((kept) => kept <= 1 || Number.isInteger(kept), {
        error: "expected a share up to 1, or a whole number of tokens",
      })
      .default(0.25),
    /** Last tokens of the prompt, which ask. */
    window: tokens.max(4096).default(32),
    heads: z.enum(["mean", "maximum"]).default("maximum"),
    /** Neighbours whose mean a token's score is; odd. */
    pool: z
      .number()
      .int()
      .min(1)
      .max(1023)
      .refine((pool) => pool % 2 === 1, { error: "expected an odd number" })
      .default(31),
    /** Shorter prompts go through all layers as a whole. */
    least: tokens.default(1024),
    ...shape,
  });
}

/** A question may be longer than the window: its last page goes on in any case. */
export function commonSteps({
  layer,
  keep,
  window,
  least,
}: Pick<SelectionSteps, "layer" | "keep" | "window" | "least">): Omit<SelectionSteps, "from" | "positions"> {
  return { layer, keep, window, last: Math.max(window, PAGE_SLOTS), least };
}
