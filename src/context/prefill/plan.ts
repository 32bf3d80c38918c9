/** What a plan says about reading: a method, and under `select` which tokens go on through all layers. */
import { z } from "zod";
import { tokenSelections } from "../select/registry.ts";
import type { CompleteChoice } from "../technique.ts";
import type { PrefillMethod } from "./method.ts";
import { prefillMethods } from "./registry.ts";

export type PrefillPlan = CompleteChoice & { readonly select?: CompleteChoice };

const selectSchema = z.looseObject({ select: tokenSelections.complete.optional() });

/** `select` is left out where all tokens go on. */
export const prefillSchema: z.ZodType<PrefillPlan> = z.unknown().transform((value, context) => {
  const fail = ({ issues: [{ message, path }] }: z.ZodError) => {
    context.addIssue({ code: "custom", message, path });
    return z.NEVER;
  };
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  const { select, ...given } = (isObject ? value : {}) as { select?: unknown };
  const method = prefillMethods.complete.safeParse(isObject ? { method: "full", ...given } : value);
  if (!method.success) return fail(method.error);
  const selection = selectSchema.safeParse({ select });
  if (!selection.success) return fail(selection.error);
  const chosen = selection.data.select;
  return { ...method.data, ...(chosen && chosen.method !== "all" && { select: chosen }) };
});

/** The method that a plan reads with, and its options. */
export function prefillOf({ select: _, ...plan }: PrefillPlan): { technique: PrefillMethod; options: never } {
  return prefillMethods.chosen(plan);
}
