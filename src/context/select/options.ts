/** Options that selections have in common. */
import { z } from "zod";
import { PAGE_SLOTS } from "../../ops/attention.ts";

const tokens = z
  .number()
  .int()
  .min(1)
  .max(2 ** 24);

/** Layers that all tokens go through. */
export const layerOption = z.number().int().min(1).optional();

/** A share of the prompt, or a number of tokens. */
export function keepOption(standard: number) {
  return z
    .number()
    .positive()
    .max(2 ** 24)
    .refine((keep) => keep <= 1 || Number.isInteger(keep), {
      error: "expected a share up to 1, or a whole number of tokens",
    })
    .default(standard);
}

/** Last tokens of the prompt that ask. */
export function windowOption(standard: number) {
  return tokens.max(4096).default(standard);
}

export function poolOption(standard: number) {
  return z
    .number()
    .int()
    .min(1)
    .max(1023)
    .refine((pool) => pool % 2 === 1, { error: "expected an odd number" })
    .default(standard);
}

export function headsOption(standard: "mean" | "maximum") {
  return z.enum(["mean", "maximum"]).default(standard);
}

/** Tokens that go on together or not at all: divides a page. */
export function spanOption(standard: number) {
  return z
    .number()
    .int()
    .refine((span) => PAGE_SLOTS % span === 0, { error: `expected a divisor of ${PAGE_SLOTS}` })
    .default(standard);
}

/** Shorter prompts go through all layers as a whole. */
export const leastOption = tokens.default(1024);
