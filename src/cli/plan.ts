/** From --plan to the plan that a command runs under: known to be sound for the model before its weights are read. */
import { choosePlan } from "../context/auto.ts";
import { expectSoundPlan } from "../context/check.ts";
import { defaultPlan, type Plan } from "../context/plan.ts";
import { planFacts, planRequest, readModelHeader } from "../engine/plan-facts.ts";
import { calibrationPath } from "../hub/calibrations.ts";
import { nodeHost } from "../platform/node.ts";
import type { PlanOrAuto } from "./arguments.ts";
import type { ModelFile } from "./model.ts";

/** "auto" is chosen for `tokens`, prompt and output together, and said on stderr unless `quiet`. */
export function resolvePlan(
  plan: PlanOrAuto,
  { path }: Pick<ModelFile, "path">,
  { tokens, quiet = false }: { tokens: number; quiet?: boolean },
): Plan {
  // Sound with every model: the header need not be read again.
  if (plan === defaultPlan) return plan;
  const header = readModelHeader(nodeHost, path);
  if (plan !== "auto") {
    expectSoundPlan(plan, { ...planFacts(header.config), hasCalibration: calibrationPath(path) !== undefined });
    return plan;
  }
  const choice = choosePlan(planRequest(nodeHost, header, tokens));
  if (!quiet) process.stderr.write(`plan auto: ${choice.reasons.join(" ")}\n`);
  return choice.plan;
}
