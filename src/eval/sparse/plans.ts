/** Plans to compare: named by what they say, and checked for what such a comparison can tell. */
import { droppingOf } from "../../context/cache/plan.ts";
import { parsePlan } from "../../context/plan.ts";
import { type Choice, idOf } from "../../context/technique.ts";
import { PAGE_SLOTS } from "../../ops/attention.ts";
import { CapacityError, InputError } from "../../runtime/errors.ts";
import { nameOf } from "../pareto/index.ts";
import { count } from "../perplexity/figures.ts";
import type { NamedPlan } from "./types.ts";

/** A partial plan, named by its prefill method and the options it gives, then by what else it gives. */
export function namedPlan(given: unknown): NamedPlan {
  const plan = parsePlan(given);
  const { prefill = "full", ...axes } = given as { readonly prefill?: string | object };
  const choice: Choice = typeof prefill === "string" ? prefill : { method: "full", ...prefill };
  const others = Object.entries(axes).map(([axis, value]) => `${axis}=${JSON.stringify(value)}`);
  return { name: [nameOf(choice), ...others].join(" "), plan };
}

/** One of each method, and the one with a share to choose at three of them. */
export const standardPlans: readonly NamedPlan[] = [
  ...[0.8, 0.9, 0.95].map((mass) => ({ method: "block-sparse", mass })),
  ...["flex", "vertical-slash", "triangle", "sink-window"],
].map((prefill) => namedPlan({ prefill }));

/** The first of at most `last` tokens that are compared: it begins a page, so that every block is read whole. */
export function firstCompared(tokens: number, last: number): number {
  return PAGE_SLOTS * Math.ceil((tokens - last) / PAGE_SLOTS);
}

/** Throws CapacityError or InputError, before anything is read, if a length or a plan cannot be measured. */
export function expectMeasurable({
  lengths,
  last,
  plans,
  contextLength,
}: {
  readonly lengths: readonly number[];
  readonly last: number;
  readonly plans: readonly NamedPlan[];
  /** Of the model: full attention reads every length. */
  readonly contextLength: number;
}): void {
  if (plans.length === 0) throw new InputError("sparse: expected at least one plan, got none. Give some.");
  if (last < PAGE_SLOTS)
    throw new InputError(`sparse: expected at least the last ${PAGE_SLOTS} tokens to be compared, got ${last}.`, {
      expected: PAGE_SLOTS,
      got: last,
    });
  for (const tokens of lengths) {
    if (tokens > contextLength)
      throw new CapacityError(
        `sparse: ${count(tokens)} tokens, the model's context is ${count(contextLength)}. Give smaller --lengths, or a model with a longer context.`,
        { expected: contextLength, got: tokens },
      );
    if (tokens <= last)
      throw new InputError(
        `sparse: expected more than the last ${count(last)} tokens, which are compared, got ${count(tokens)}. Give greater --lengths, or fewer --last.`,
        { expected: last + 1, got: tokens },
      );
  }
  for (const { name, plan } of plans) {
    if (plan.prefill.select)
      throw new InputError(
        `sparse: expected plans whose tokens all go through all layers, got "${name}" with select "${plan.prefill.select.method}". Leave it out.`,
        { got: name },
      );
    if (droppingOf(plan.cache))
      throw new InputError(
        `sparse: expected plans that drop nothing, got "${name}" with cache score "${idOf(plan.cache.score)}". Leave its budget out; \`longspan eval pareto\` compares what dropping costs.`,
        { got: name },
      );
  }
}
