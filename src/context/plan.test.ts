import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../runtime/errors.ts";
import { defaultPlan, parsePlan } from "./plan.ts";

test("an empty plan is the default: every axis at its trivial member, q8 pages", () => {
  assert.deepEqual(parsePlan({}), defaultPlan);
  assert.deepEqual(defaultPlan, {
    position: { method: "rope" },
    prefill: { method: "full" },
    decode: { method: "full" },
    cache: { score: "keep-all", format: "q8" },
    speculate: { method: "none" },
    memory: { method: "none" },
  });
});

test("what a plan leaves out is filled in, also inside an axis", () => {
  assert.deepEqual(parsePlan({ cache: { format: "f32" } }).cache, { score: "keep-all", format: "f32" });
  assert.deepEqual(parsePlan({ cache: {}, position: {} }), defaultPlan);
});

test("parsing a complete plan again changes nothing", () => {
  const plan = parsePlan({ cache: { format: "f32" } });
  assert.deepEqual(parsePlan(JSON.parse(JSON.stringify(plan))), plan);
});

test("a plan that drops is completed with how; options at their defaults shrink to the id", () => {
  assert.deepEqual(parsePlan({ cache: { score: { method: "random" }, budget: 256 } }).cache, {
    score: "random",
    format: "q8",
    budget: 256,
    allocation: "uniform",
    schedule: "after-prefill",
    sinks: 4,
    window: 128,
  });
});

const wrong: [value: unknown, message: RegExp][] = [
  [{ cache: { format: "q9" } }, /^plan: cache\.format: expected one of q8, .*, got "q9"\. Correct the plan/],
  [{ cache: { score: "random" } }, /^plan: cache\.budget: expected the tokens to keep/],
  [
    { cache: { score: "random", budget: 100 } },
    /^plan: cache\.budget: expected at least sinks \+ window = 132, got 100/,
  ],
  [{ cache: { score: { method: "random", seed: 1 }, budget: 999 } }, /^plan: cache\.score: .*"seed"/],
  [{ position: { method: "zarn" } }, /^plan: position\.method: .*'rope'.*'yarn'/],
  [{ position: { method: "yarn" } }, /^plan: position\.factor: /],
  [{ cach: {} }, /^plan: .*"cach"/],
  [{ cache: { budget: 4 } }, /^plan: cache\.budget: has no meaning while nothing is dropped/],
  [{ prefill: "fast" }, /^plan: prefill: expected one of full/],
  [[], /^plan: .*object/],
  [null, /^plan: .*object/],
  ["exact", /^plan: .*object/],
];
for (const [value, message] of wrong)
  test(`${JSON.stringify(value)} is refused with the place and what is possible`, () => {
    assert.throws(
      () => parsePlan(value),
      (error) => error instanceof InputError && message.test(error.message) && error.got === value,
    );
  });
