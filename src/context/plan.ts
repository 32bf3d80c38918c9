/**
 * A context plan: everything specific to long context, as data, validated before any weight is read.
 * Each axis has a trivial member that defines its contract; `cache.format` is the one real choice so far.
 */
import { z } from "zod";
import { InputError } from "../runtime/errors.ts";
import { positionOptionsSchema } from "./position/registry.ts";

const method = (...ids: [string, ...string[]]) => z.strictObject({ method: z.enum(ids).default(ids[0]) });

const planSchema = z.strictObject({
  position: positionOptionsSchema.default({ method: "rope" }),
  prefill: method("full").default({ method: "full" }),
  decode: method("full").default({ method: "full" }),
  cache: z
    .strictObject({ score: z.enum(["keep-all"]).default("keep-all"), format: z.enum(["q8", "f32"]).default("q8") })
    .default({ score: "keep-all", format: "q8" }),
  speculate: method("none").default({ method: "none" }),
  memory: method("none").default({ method: "none" }),
});

export type Plan = z.infer<typeof planSchema>;
export type CacheFormat = Plan["cache"]["format"];

export const defaultPlan: Plan = planSchema.parse({});

/** Completes a partial plan with defaults. Throws InputError that names the wrong key and what is possible. */
export function parsePlan(value: unknown): Plan {
  const result = planSchema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue.path.length ? `plan: ${issue.path.join(".")}` : "plan";
  throw new InputError(`${where}: ${issue.message}. Correct the plan, or leave it out for the default.`, {
    got: value,
  });
}
