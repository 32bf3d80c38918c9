/** GET /v1/plans: presets with the context that each gives this model, and techniques by axis. POST /v1/plans/check: any plan. */
import type { Hono } from "hono";
import { checkPlan } from "../context/check.ts";
import { type Plan, parsePlan, planTechniques } from "../context/plan.ts";
import { presets } from "../context/presets.ts";
import { bodyOf } from "./chat-request.ts";
import type { Service } from "./service.ts";

export function addPlanRoutes(app: Hono, service: Pick<Service, "plan" | "contextLength">): void {
  const described = (plan: Plan) => ({ plan, context_length: service.contextLength(plan) });

  app.get("/v1/plans", (context) =>
    context.json({
      default: described(service.plan),
      presets: Object.entries(presets).map(([name, { summary, plan }]) => ({ name, summary, ...described(plan) })),
      techniques: Object.fromEntries(planTechniques().map(({ axis, members }) => [axis, members])),
    }),
  );

  /** A plan, or parts of one: completed with defaults, with what is to be said about it. */
  app.post("/v1/plans/check", async (context) => {
    const plan = parsePlan(await bodyOf(context));
    return context.json({ ...described(plan), ...checkPlan(plan) });
  });
}
