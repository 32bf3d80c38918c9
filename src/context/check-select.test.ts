import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../runtime/errors.ts";
import { checkPlan, type PlanFacts } from "./check.ts";
import { parsePlan } from "./plan.ts";
import { readingPlan, selects } from "./reading-plan.ts";
import { scoringLayers, selectionSteps } from "./select/registry.ts";

const facts: PlanFacts = { name: "a model", contextLength: 8192, numLayers: 12, numFullLayers: 12, headDim: 64 };

function review(select: object, other: object = {}, more: Partial<PlanFacts> = {}) {
  return checkPlan(parsePlan({ ...other, prefill: { select } }), { ...facts, ...more });
}

const [fastkv, gemfilter, specPrefill] = ["fastkv", "gemfilter", "spec-prefill"].map((method) => ({ method }));
const dropping = (cache: object) => ({ cache: { budget: 512, ...cache } });

const refused: [title: string, select: object, other: object, more: Partial<PlanFacts>, reason: RegExp][] = [
  ["layers with windows", fastkv, {}, { numFullLayers: 2 }, /10 of its 12 layers have a sliding window/],
  ["a layer that is not there", { ...gemfilter, layer: 13 }, {}, {}, /a layer from 1 to 12 .* got 13/],
  ...["string", "dca", "self-extend", "rerope", "sink-window", "infllm"].map(
    (method): [string, object, object, object, RegExp] => [
      `the zones of ${method}`,
      fastkv,
      { position: { method } },
      {},
      new RegExp(`keeps keys as they stand for "fastkv", got "${method}"`),
    ],
  ),
  ["dropping while reading", fastkv, dropping({ score: "key-diff", schedule: "streaming" }), {}, /got "streaming"/],
  ["layer by layer", fastkv, dropping({ score: "snapkv", schedule: "layer-major" }), {}, /got "layer-major"/],
  ["a second reading", specPrefill, dropping({ score: "kvzip" }), {}, /needs the whole text/],
  [
    "statistics of queries, closed up",
    gemfilter,
    dropping({ score: "expected-attention" }),
    {},
    /which closes them up/,
  ],
];

for (const [title, select, other, more, reason] of refused)
  test(`refused with the reason and the way out: ${title}`, () => {
    const problems = review(select, other, more).problems.filter(({ where }) => where === "prefill.select");
    assert.equal(problems.length, 1);
    assert.match(problems[0].reason, reason);
    assert.ok(problems[0].remedy.length > 10);
  });

test("sound: half the layers or any other number, a single layer, scores that drop when all is read, positions without zones", () => {
  for (const select of [fastkv, gemfilter, specPrefill]) {
    for (const layer of [1, 6, 11, 12]) assert.deepEqual(review({ ...select, layer }).problems, []);
    for (const score of ["snapkv", "key-diff", "attention-sum"])
      for (const schedule of ["after-prefill", "every-n"])
        assert.deepEqual(review(select, dropping({ score, schedule })).problems, []);
    assert.deepEqual(review(select, { position: { method: "yarn", factor: 2 } }).problems, []);
  }
  assert.deepEqual(review(fastkv, dropping({ score: "expected-attention" })).problems, []);
  assert.deepEqual(review(fastkv, {}, { numLayers: 1, numFullLayers: 1 }).problems, []);
});

test("a note says whose attention decides, and what a later question finds; none where all tokens go on", () => {
  assert.match(
    review(fastkv).notes[0],
    /its last 32 tokens decide .*: put the question at the end\. A later question in its place chooses anew; behind an answer, it finds what went on\.$/,
  );
  assert.match(review({ ...gemfilter, window: 1 }).notes[0], /its last token decides .* gone from all layers\.$/);
  assert.deepEqual(review({ method: "all" }), { problems: [], notes: [] });
});

test("options that say nothing sensible are refused by name", () => {
  for (const [options, where] of [
    [{ keep: 0 }, /keep/],
    [{ keep: 1.5 }, /keep: expected a share up to 1, or a whole number/],
    [{ pool: 4 }, /pool: expected an odd number/],
    [{ method: "spec-prefill", span: 48 }, /span: expected a divisor of 64/],
    [{ layer: 0 }, /layer/],
    [{ layer: 1.5 }, /layer: expected a share of the layers below 1, or a whole number/],
    [{ window: 0 }, /window/],
    [{ heads: "some" }, /heads/],
    [{ depth: 3 }, /depth/],
  ] as const)
    assert.throws(
      () => parsePlan({ prefill: { select: { ...fastkv, ...options } } }),
      (error) => error instanceof InputError && where.test(error.message),
      JSON.stringify(options),
    );
});

test("what was read is a beginning for another prompt unless chosen tokens began again, or slots were dropped meanwhile", () => {
  const continues = (select: string, other: object) =>
    readingPlan(parsePlan({ prefill: { select }, ...other })).continues;
  const [after, meanwhile] = [dropping({ score: "snapkv" }), dropping({ score: "snapkv", schedule: "every-n" })];
  for (const other of [{}, after])
    assert.deepEqual(
      ["fastkv", "all", "gemfilter", "spec-prefill"].map((select) => continues(select, other)),
      [true, true, false, false],
    );
  for (const select of ["fastkv", "all"]) assert.equal(continues(select, meanwhile), false);
});

test("a plan selects of prompts that are long enough for it", () => {
  const plan = parsePlan({ prefill: { select: { method: "fastkv", least: 2000 } } });
  assert.deepEqual(
    [500, 1999, 2000].map((tokens) => selects(plan, tokens)),
    [false, false, true],
  );
  assert.equal(selects(parsePlan({}), 100_000), false);
});

test("layers are half of them, a share, or a number", () => {
  const layersOf = (select: object, numLayers: number) => {
    const steps = selectionSteps(parsePlan({ prefill: { select } }).prefill.select);
    return steps && scoringLayers(steps, numLayers);
  };
  assert.equal(layersOf(fastkv, 25), 12);
  assert.equal(layersOf({ ...fastkv, layer: 0.67 }, 24), 16);
  assert.equal(layersOf({ ...fastkv, layer: 7 }, 24), 7);
});
