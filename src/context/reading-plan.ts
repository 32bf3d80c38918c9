/** What is read for a plan: one that drops after reading reads as if it kept all, and drops in a copy of what was read. */
import { cacheSchema, droppingOf } from "./cache/plan.ts";
import type { Plan } from "./plan.ts";
import { selectionFor, selectionSteps } from "./select/registry.ts";
import { idOf } from "./technique.ts";

export interface ReadingPlan {
  /** Of the session that reads: plans with the same one share what is read. */
  readonly plan: Plan;
  /** Whether copies have to be compressed. */
  readonly dropsAfter: boolean;
  /** Whether a prompt that begins alike can go on from what was read, as if it had been read by itself. */
  readonly continues: boolean;
}

export function readingPlan(plan: Plan): ReadingPlan {
  const { format, layers } = plan.cache;
  const dropping = droppingOf(plan.cache);
  const continues = selectionSteps(plan.prefill.select)?.from !== "beginning";
  if (!dropping) return { plan, dropsAfter: false, continues };
  const dropsAfter = idOf(dropping.schedule) === "after-prefill";
  if (!dropsAfter) return { plan, dropsAfter, continues: false };
  return {
    plan: { ...plan, cache: cacheSchema.parse({ format, ...(layers && { layers }) }) },
    dropsAfter,
    continues,
  };
}

/** Whether a plan lets some of a prompt's tokens only go through all layers: prompts of which it does share nothing with others. */
export function selects({ prefill }: Plan, tokens: number): boolean {
  return selectionFor(prefill.select, tokens) !== undefined;
}
