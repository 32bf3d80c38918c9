/** What is read for a plan: one that drops after reading reads as if it kept all, and drops in a copy of what was read. */
import { cacheSchema, droppingOf } from "./cache/plan.ts";
import type { Plan } from "./plan.ts";
import { idOf } from "./technique.ts";

export interface ReadingPlan {
  /** Of the session that reads: plans with the same one share what is read. */
  readonly plan: Plan;
  /** Whether copies have to be compressed. */
  readonly dropsAfter: boolean;
  /** Whether what was read is the text's own pages, all of them, so that a prompt that begins alike can go on from them. */
  readonly keepsAll: boolean;
}

export function readingPlan(plan: Plan): ReadingPlan {
  const { format, layers } = plan.cache;
  const dropping = droppingOf(plan.cache);
  const keepsAll = plan.prefill.select === undefined;
  if (!dropping) return { plan, dropsAfter: false, keepsAll };
  const dropsAfter = idOf(dropping.schedule) === "after-prefill";
  if (!dropsAfter) return { plan, dropsAfter, keepsAll: false };
  return {
    plan: { ...plan, cache: cacheSchema.parse({ format, ...(layers && { layers }) }) },
    dropsAfter,
    keepsAll,
  };
}
