/**
 * A context plan: everything specific to long context, as data, validated before any weight is read.
 * Each axis has a trivial member that defines its contract; `position` and `cache` have real choices so far.
 */
import { z } from "zod";
import { InputError } from "../runtime/errors.ts";
import { cacheAllocations } from "./cache/allocation/registry.ts";
import { cacheFormats } from "./cache/format/registry.ts";
import { cacheSchema } from "./cache/plan.ts";
import { cacheSchedules } from "./cache/schedule/registry.ts";
import { cacheScores } from "./cache/score/registry.ts";
import { positionMethods, positionOptionsSchema } from "./position/registry.ts";

/** Axes that have their trivial member only. */
const trivial = {
  prefill: { full: "every token attends to all before it" },
  decode: { full: "every new token attends to all before it" },
  speculate: { none: "one token a step" },
  memory: { none: "nothing beyond the context" },
} as const;

function method<A extends keyof typeof trivial>(axis: A) {
  const [only] = Object.keys(trivial[axis]) as [keyof (typeof trivial)[A] & string];
  return z.strictObject({ method: z.literal(only).default(only as never) }).default({ method: only } as never);
}

const planSchema = z.strictObject({
  position: positionOptionsSchema.default({ method: "rope" }),
  prefill: method("prefill"),
  decode: method("decode"),
  cache: cacheSchema.prefault({}),
  speculate: method("speculate"),
  memory: method("memory"),
});

export interface AxisMember {
  readonly id: string;
  readonly summary: string;
}

/** All techniques by axis, as `longspan plans list` shows them. */
export function planTechniques(): readonly { readonly axis: string; readonly members: readonly AxisMember[] }[] {
  const only = (axis: keyof typeof trivial) => ({
    axis,
    members: Object.entries(trivial[axis]).map(([id, summary]) => ({ id, summary })),
  });
  return [
    { axis: "position", members: positionMethods },
    only("prefill"),
    only("decode"),
    ...[cacheScores, cacheAllocations, cacheSchedules, cacheFormats].map(({ axis, members }) => ({ axis, members })),
    only("speculate"),
    only("memory"),
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
