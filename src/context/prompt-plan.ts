/**
 * The plan that a prompt of known length is read with. A sparse prefill method falls back to `full` where it would be no faster: below
 * its break-even on this machine (engine/break-even.ts), or, where that is not known, below the length that it sees all of.
 */
import type { Plan } from "./plan.ts";
import { prefillOf } from "./prefill/plan.ts";

export interface PromptPlan {
  readonly plan: Plan;
  /** Why it is not the plan that was given. */
  readonly reason?: string;
}

/** `breakEven`: in tokens, if it is known. What a plan selects (`prefill.select`) stays. */
export function promptPlan(plan: Plan, promptTokens: number, breakEven?: number): PromptPlan {
  const { method, select } = plan.prefill;
  const { technique, options } = prefillOf(plan.prefill);
  const { denseBelow = 0 } = technique.needs?.(options) ?? {};
  if (method === "full" || promptTokens >= (breakEven ?? denseBelow)) return { plan };
  return {
    plan: { ...plan, prefill: { method: "full", ...(select && { select }) } },
    reason: `${reasonOf(method, denseBelow, breakEven)}: reading with full attention.`,
  };
}

function reasonOf(method: string, denseBelow: number, breakEven?: number): string {
  if (breakEven === undefined) return `${method} leaves nothing out below ${denseBelow.toLocaleString("en")} tokens`;
  const length = Number.isFinite(breakEven) ? `below ${breakEven.toLocaleString("en")} tokens` : "at any length";
  return `${method} would be no faster than full attention ${length} on this machine`;
}
