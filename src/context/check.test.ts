import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../runtime/errors.ts";
import { cacheAllocations } from "./cache/allocation/registry.ts";
import { cacheScores } from "./cache/score/registry.ts";
import type { CacheScore, ScoreNeeds } from "./cache/score/score.ts";
import { checkPlan, expectSoundPlan, type PlanFacts } from "./check.ts";
import { parsePlan } from "./plan.ts";
import { techniqueOptions } from "./technique.ts";

/** Techniques that do nothing but declare, so that these tests say what is read of them. */
function scoreThatNeeds(id: string, needs: ScoreNeeds): CacheScore {
  const score = { id, summary: "", source: "", options: techniqueOptions(id, {}), needs: () => needs, score: () => [] };
  return score as unknown as CacheScore;
}
cacheScores.add(scoreThatNeeds("reads-twice", { secondReading: true }));
cacheScores.add(scoreThatNeeds("last-queries", { queries: 32 }));
cacheScores.add(scoreThatNeeds("calibrated", { calibration: true }));
for (const [id, scope, needsCalibration] of [
  ["whole-model", "model", false],
  ["sorted-heads", "layer", true],
  ["pyramid", "layer", false],
] as const)
  cacheAllocations.add({
    id,
    scope,
    needsCalibration,
    summary: "",
    source: "",
    options: techniqueOptions(id, {}),
    keep: () => [],
  });

const facts: PlanFacts = { name: "a model", contextLength: 8192, numLayers: 12, numFullLayers: 12, headDim: 64 };

function review(plan: object, more: Partial<PlanFacts> = {}) {
  return checkPlan(parsePlan(plan), { ...facts, ...more });
}

function dropping(cache: object): object {
  return { cache: { score: "random", budget: 1024, ...cache } };
}

test("the default plan has no problems and no notes, whatever the model", () => {
  for (const more of [{}, { numFullLayers: 0 }, { headDim: 96, hasCalibration: false }, { neededTokens: 8192 }])
    assert.deepEqual(review({}, more), { problems: [], notes: [] });
  assert.deepEqual(checkPlan(parsePlan({})), { problems: [], notes: [] });
});

const refused: [title: string, plan: object, more: Partial<PlanFacts>, where: string, reason: RegExp][] = [
  [
    "a factor that does not reach the text",
    { position: { method: "yarn", factor: 2 } },
    { neededTokens: 16_385 },
    "position",
    /^expected to reach 16,385 tokens, got "yarn", which reaches 16,384 with a model$/,
  ],
  ...["string", "dca", "self-extend", "rerope", "sink-window"].map(
    (method): [string, object, object, string, RegExp] => [
      `dropping from the zones of ${method}`,
      { position: { method }, ...dropping({}) },
      {},
      "cache.score",
      new RegExp(`beside position "${method}", got "random": keys are held in zones by position`),
    ],
  ),
  [
    "dropping where every layer has a window",
    dropping({}),
    { numFullLayers: 0 },
    "cache.score",
    /whose 12 layers all have/,
  ],
  [
    "a pyramid of one layer",
    dropping({ allocation: "pyramid" }),
    { numFullLayers: 1 },
    "cache.allocation",
    /at least 2 full-attention layers for "pyramid", got 1/,
  ],
  [
    "a budget over the model, layer by layer",
    dropping({ allocation: "whole-model", schedule: "layer-major" }),
    {},
    "cache.schedule",
    /scores of all layers at once for allocation "whole-model", got "layer-major"/,
  ],
  ...["streaming", "every-n", "layer-major"].map((schedule): [string, object, object, string, RegExp] => [
    `a second reading with ${schedule}`,
    dropping({ score: "reads-twice", schedule }),
    {},
    "cache.schedule",
    new RegExp(`expected "after-prefill" for score "reads-twice", got "${schedule}"`),
  ]),
  [
    "a calibrated score without a calibration",
    dropping({ score: "calibrated" }),
    { hasCalibration: false },
    "cache.score",
    /expected a calibration of a model for "calibrated", got none/,
  ],
  [
    "scales for 32 channels in heads of 80",
    { cache: { format: { method: "q4", values: "token" } } },
    { headDim: 80 },
    "cache.format",
    /expected heads of a multiple of 32 dimensions for "q4", got 80/,
  ],
  [
    "a calibrated allocation without a calibration",
    dropping({ allocation: "sorted-heads" }),
    { hasCalibration: false },
    "cache.allocation",
    /for "sorted-heads", got none/,
  ],
];
for (const [title, plan, more, where, reason] of refused)
  test(`${title} is refused with the place, the reason and a way out`, () => {
    const { problems } = review(plan, more);
    assert.equal(problems.length, 1);
    assert.equal(problems[0].where, where);
    assert.match(problems[0].reason, reason);
    assert.match(problems[0].remedy, /^(Use|Leave|Raise|Make) .*[^.]$/);
    assert.throws(
      () => expectSoundPlan(parsePlan(plan), { ...facts, ...more }),
      (error) => error instanceof InputError && error.message.startsWith(`plan: ${where}: ${problems[0].reason}. `),
    );
  });

const sound: [title: string, plan: object, more: Partial<PlanFacts>][] = [
  [
    "a factor that reaches the text to the token",
    { position: { method: "yarn", factor: 2 } },
    { neededTokens: 16_384 },
  ],
  ["dropping with scaled frequencies", { position: { method: "yarn", factor: 2 }, ...dropping({}) }, {}],
  ["zones with everything kept", { position: { method: "dca" } }, {}],
  ["a pyramid of two layers", dropping({ allocation: "pyramid" }), { numFullLayers: 2 }],
  ["a budget over the model while streaming", dropping({ allocation: "whole-model", schedule: "streaming" }), {}],
  ["a budget a layer, layer by layer", dropping({ schedule: "layer-major" }), {}],
  ["a second reading after the first", dropping({ score: "reads-twice" }), {}],
  ["a calibration at hand", dropping({ score: "calibrated" }), { hasCalibration: true }],
];
for (const [title, plan, more] of sound)
  test(`${title} is sound`, () => {
    assert.deepEqual(review(plan, more).problems, []);
    expectSoundPlan(parsePlan(plan), { ...facts, ...more });
  });

test("q8 pages with dropping, and turned heads of 128, need no note about the format", () => {
  assert.deepEqual(review(turned, { headDim: 128 }).notes, []);
  assert.ok(review(dropping({})).notes.every((note) => !note.includes("Format")));
});

test("several problems come in one error, each with its way out; those that hold for every model need no model", () => {
  const plan = parsePlan({
    position: { method: "dca" },
    ...dropping({ allocation: "whole-model", schedule: "layer-major" }),
  });
  assert.throws(() => expectSoundPlan(plan), {
    name: "InputError",
    message: /^plan: cache\.score: .*Leave the score out.* cache\.schedule: .*Use the schedule "after-prefill".*\.$/,
  });
});

const turned = { cache: { format: { method: "q4", keys: "rotated-token" } } };
const notes: [title: string, plan: object, more: Partial<PlanFacts>, note: RegExp][] = [
  ["scaling a text that fits", { position: { method: "dca" } }, { neededTokens: 8000 }, /fits the 8,192 tokens/],
  ["windows, with dropping", dropping({}), { numFullLayers: 2 }, /^10 of the 12 layers have a sliding window/],
  ["windows, with a position method", { position: { method: "dca" } }, { numFullLayers: 2 }, /^10 of the 12 layers/],
  ["a budget above the context", dropping({ budget: 8192 }), {}, /holds all 8,192 tokens: nothing will be dropped/],
  ["a budget above the text", dropping({ budget: 1024 }), { neededTokens: 1000 }, /holds all 1,000 tokens/],
  ["last queries", dropping({ score: "last-queries" }), {}, /by the last 32 tokens: put the question at the end/],
  [
    "last queries, streaming",
    dropping({ score: "last-queries", schedule: "streaming" }),
    {},
    /that part's own last 32 tokens/,
  ],
  ["a second reading", dropping({ score: "reads-twice" }), {}, /reads the text twice/],
  ["streaming", dropping({ schedule: "streaming" }), {}, /later parts of the text see only what was kept/],
  ["after-prefill", dropping({}), {}, /memory holds the whole text before anything is dropped/],
  ["a low-bit format and dropping", dropping({ format: "q4" }), {}, /"q4" and dropping both lose something/],
  [
    "a calibration that nobody has looked for",
    dropping({ score: "calibrated" }),
    {},
    /"calibrated" needs a calibration/,
  ],
];
for (const [title, plan, more, note] of notes)
  test(`${title}: noted, not refused`, () => {
    const { problems, notes } = review(plan, more);
    assert.deepEqual(problems, []);
    assert.equal(notes.filter((text) => note.test(text)).length, 1, notes.join("\n"));
  });
