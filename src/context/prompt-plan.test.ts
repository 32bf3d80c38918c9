import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePlan } from "./plan.ts";
import { presets } from "./presets.ts";
import { promptPlan } from "./prompt-plan.ts";

const { balanced, fast, exact } = presets;

test("below denseBelow, or a measured break-even, a sparse method gives way to full; from there on the plan is as it was", () => {
  const isAsAsked = (tokens: number, breakEven?: number) =>
    promptPlan(balanced.plan, tokens, breakEven).plan === balanced.plan;
  assert.deepEqual(
    [4095, 4096].map((tokens) => isAsAsked(tokens)),
    [false, true],
  );
  assert.deepEqual(
    [5199, 5200].map((tokens) => isAsAsked(tokens, 5200)),
    [false, true],
  );
  assert.ok(!isAsAsked(1e9, Number.POSITIVE_INFINITY));
  const { plan } = promptPlan(balanced.plan, 100);
  assert.deepEqual(plan, { ...balanced.plan, prefill: { method: "full" } });
});

test("what is selected stays, and a plan that is exact is let alone", () => {
  const { plan } = promptPlan(fast.plan, 100);
  assert.deepEqual(plan.prefill, { method: "full", select: fast.plan.prefill.select });
  assert.deepEqual(plan, parsePlan(plan));
  assert.deepEqual(promptPlan(exact.plan, 1), { plan: exact.plan });
});

test("the reason says which length, and whether it was measured", () => {
  const reason = (breakEven?: number) => promptPlan(balanced.plan, 100, breakEven).reason;
  assert.equal(reason(), "block-sparse leaves nothing out below 4,096 tokens: reading with full attention.");
  assert.equal(
    reason(5200),
    "block-sparse would be no faster than full attention below 5,200 tokens on this machine: reading with full attention.",
  );
  assert.match(reason(Number.POSITIVE_INFINITY)!, /at any length on this machine/);
  assert.equal(promptPlan(balanced.plan, 5200, 5200).reason, undefined);
});
