/**
 * A context plan: everything specific to long context, as data, validated before any weight is read.
 * Each axis has a trivial member that defines its contract.
 */
import { z } from "zod";
import { InputError } from "../runtime/errors.ts";
import { cacheAllocations } from "./cache/allocation/registry.ts";
import { cacheFormats } from "./cache/format/registry.ts";
import { cacheSchema } from "./cache/plan.ts";
import { cacheSchedules } from "./cache/schedule/registry.ts";
import { cacheScores } from "./cache/score/registry.ts";
import { decodeMethods } from "./decode/registry.ts";
import { positionMethods, positionOptionsSchema } from "./position/registry.ts";
import { prefillSchema } from "./prefill/plan.ts";
import { prefillMethods } from "./prefill/registry.ts";
import { tokenSelections } from "./select/registry.ts";
import { speculations } from "./speculate/registry.ts";

/** The one member so far. */
const memory = { id: "none", summary: "nothing beyond the context" } as const;

const planSchema = z.strictObject({
  position: positionOptionsSchema.default({ method: "rope" }),
  prefill: prefillSchema.prefault({ method: "full" }),
  decode: decodeMethods.complete.prefault("full"),
  cache: cacheSchema.prefault({}),
  speculate: speculations.complete.prefault("none"),
  memory: z.strictObject({ method: z.literal(memory.id).default(memory.id) }).prefault({}),
});

export interface AxisMember {
  readonly id: string;
  readonly summary: string;
}

/** All techniques by axis, as `longspan plans list` shows them. */
export function planTechniques(): readonly { readonly axis: string; readonly members: readonly AxisMember[] }[] {
  const registries = [
    ...[prefillMethods, tokenSelections, decodeMethods],
    ...[cacheScores, cacheAllocations, cacheSchedules, cacheFormats],
    speculations,
  ];
  return [
    { axis: "position", members: positionMethods },
    ...registries.map(({ axis, members }) => ({ axis, members })),
    { axis: "memory", members: [memory] },
  ].map(({ axis, members }) => ({ axis, members: members.map(({ id, summary }) => ({ id, summary })) }));
}

export type Plan = z.infer<typeof planSchema>;

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
