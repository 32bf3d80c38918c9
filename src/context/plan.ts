/**
 * A context plan: everything specific to long context, as data, validated before any weight is read.
 * Each axis has a trivial member that defines its contract; `position` and `cache.format` have real choices so far.
 */
import { z } from "zod";
import { InputError } from "../runtime/errors.ts";
import { positionMethods, positionOptionsSchema } from "./position/registry.ts";

export interface Technique {
  readonly id: string;
  readonly summary: string;
}

/** Axes that have their trivial member only, and the parts of the cache axis. */
const members = {
  prefill: { full: "every token attends to all before it" },
  decode: { full: "every new token attends to all before it" },
  "cache.score": { "keep-all": "nothing is dropped" },
  "cache.format": {
    q8: "8 bits: keys with a scale and mean per page and channel, values with a scale",
    f32: "as computed",
  },
  speculate: { none: "one token a step" },
  memory: { none: "nothing beyond the context" },
} as const;

type Axis = keyof typeof members;

function choice<A extends Axis>(axis: A) {
  const ids = Object.keys(members[axis]) as [keyof (typeof members)[A] & string];
  return z.enum(ids).default(ids[0]);
}

function method(axis: "prefill" | "decode" | "speculate" | "memory") {
  return z.strictObject({ method: choice(axis) }).default({ method: Object.keys(members[axis])[0] as never });
}

const planSchema = z.strictObject({
  position: positionOptionsSchema.default({ method: "rope" }),
  prefill: method("prefill"),
  decode: method("decode"),
  cache: z
    .strictObject({ score: choice("cache.score"), format: choice("cache.format") })
    .default({ score: "keep-all", format: "q8" }),
  speculate: method("speculate"),
  memory: method("memory"),
});

/** All techniques by axis, as `longspan plans list` shows them. */
export const planTechniques: readonly { readonly axis: string; readonly members: readonly Technique[] }[] = [
  { axis: "position", members: positionMethods.map(({ id, summary }) => ({ id, summary })) },
  ...Object.entries(members).map(([axis, choices]) => ({
    axis,
    members: Object.entries(choices).map(([id, summary]) => ({ id, summary })),
  })),
];

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
