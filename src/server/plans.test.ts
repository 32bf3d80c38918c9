import assert from "node:assert/strict";
import { test } from "node:test";
import { Hono } from "hono";
import { defaultPlan, type Plan } from "../context/plan.ts";
import { contextLengthOf } from "../context/position/rotation.ts";
import { presets } from "../context/presets.ts";
import { asRequestError, errorBody } from "./errors.ts";
import { addPlanRoutes } from "./plans.ts";

const app = new Hono();
app.onError((error, context) => context.json(errorBody(asRequestError(error)), asRequestError(error).status));
addPlanRoutes(app, {
  plan: defaultPlan,
  contextLength: ({ position }: Plan = defaultPlan) => contextLengthOf(position, 2048),
});

async function check(body: unknown) {
  const response = await app.request("/v1/plans/check", { method: "POST", body: JSON.stringify(body) });
  return { status: response.status, body: await response.json() };
}

test("GET /v1/plans has every preset with its plan and the context that it gives the model", async () => {
  const body = await (await app.request("/v1/plans")).json();
  assert.deepEqual(body.default, { plan: defaultPlan, context_length: 2048 });
  assert.deepEqual(
    body.presets.map(({ name, plan }: { name: string; plan: Plan }) => [name, plan]),
    Object.entries(presets).map(([name, { plan }]) => [name, plan]),
  );
  assert.ok(body.techniques.position.some(({ id }: { id: string }) => id === "yarn"));
});

test("a plan is completed and measured; what does not go together is told, not thrown", async () => {
  const stretched = await check({ position: { method: "yarn", factor: 2 } });
  assert.equal(stretched.body.context_length, 4096);
  assert.deepEqual(stretched.body.problems, []);
  const torn = await check({ position: { method: "dca" }, cache: { score: "key-norm", budget: 512 } });
  assert.equal(torn.status, 200);
  assert.ok(torn.body.problems.length > 0 && torn.body.problems[0].remedy);
});

test("what is no plan is refused with the key and what is possible", async () => {
  const { status, body } = await check({ position: { method: "warp" } });
  assert.equal(status, 400);
  assert.match(body.error.message, /plan: position/);
});
