import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CapacityError } from "../runtime/errors.ts";
import { beyondTrained, choosePlan, type PlanRequest } from "./auto.ts";
import { checkPlan } from "./check.ts";
import { defaultPlan } from "./plan.ts";
import { contextLengthOf } from "./position/rotation.ts";

const request: PlanRequest = {
  trainedContext: 8192,
  tokens: 8192,
  kvBytesPerToken: { q8: 10_000, k8v4: 8000, q4: 6000, q2: 3000, "of-tomorrow": 1 },
  freeBytes: 2 ** 30,
  hasWindows: false,
};

function choose(changes: Partial<PlanRequest>) {
  return choosePlan({ ...request, ...changes });
}

test("a text that fits, up to the last token, gets the default plan, and is told so", () => {
  const { plan, reasons } = choose({});
  assert.deepEqual(plan, defaultPlan);
  assert.deepEqual(reasons, [
    "8,192 tokens fit the 8,192 that the model was trained for: positions as trained.",
    "All tokens are kept in q8 pages: 79 MB of the 1,024 MB that are free.",
  ]);
});

test("beyond the trained length dca gets the smallest whole factor that covers prompt and output", () => {
  for (const [tokens, factor] of [
    [8193, 2],
    [16_384, 2],
    [16_385, 3],
    [50_000, 7],
  ]) {
    const { plan, reasons } = choose({ tokens, freeBytes: 2 ** 32 });
    assert.deepEqual(plan, { ...defaultPlan, position: { method: "dca", factor } });
    assert.match(reasons[0], new RegExp(`position dca, .* reaches ${(factor * 8192).toLocaleString("en")}\\.$`));
  }
});

test("where q8 pages do not fit, the format with the most bits that does fit keeps all tokens, also under dca", () => {
  for (const [freeBytes, format] of [
    [81_920_000, "q8"],
    [81_919_999, "k8v4"],
    [65_536_000, "k8v4"],
    [65_535_999, "q4"],
  ] as const)
    assert.deepEqual(choose({ freeBytes }).plan.cache, { score: "keep-all", format });
  const { cache } = choose({ freeBytes: 65_536_000, kvBytesPerToken: { q8: 10_000 } }).plan;
  assert.deepEqual([cache.format, cache.score], ["q8", "key-diff"], "a format without a figure");
  assert.match(
    choose({ freeBytes: 65_536_000 }).reasons[1],
    /^q8 pages would take 79 MB: .* k8v4 pages, 63 MB of the 63 MB/,
  );
  const { plan } = choose({ tokens: 16_000, freeBytes: 130_000_000 });
  assert.deepEqual([plan.position.method, plan.cache], ["dca", { score: "keep-all", format: "k8v4" }]);
});

test("where no format makes all tokens fit, as many tokens are kept as fit at pages half full", () => {
  const { plan, reasons } = choose({ freeBytes: 40_000_000 });
  // 4,000 tokens fit; 512 are read between two droppings; the rest may stand in twice as many pages.
  assert.deepEqual(plan.position, { method: "rope" });
  assert.deepEqual(plan.cache, {
    score: "key-diff",
    format: "q8",
    schedule: "streaming",
    budget: 1728,
    allocation: "uniform",
    sinks: 4,
    window: 128,
  });
  assert.match(reasons[1], /All tokens would take 79 MB in q8 pages, 39 MB are free: .* 1,728 tokens .*score key-diff/);
});

test("beyond the trained length with too little memory: yarn up to 4 times, in quarters; further, or with a file's scaling, refused", () => {
  const { plan, reasons } = choose({ tokens: 20_000, freeBytes: 40_000_000 });
  assert.deepEqual(plan.position, { method: "yarn", factor: 2.5 });
  assert.equal(plan.cache.score, "key-diff");
  assert.match(
    reasons[0],
    /tokens must be dropped, which dca does not allow: position yarn with factor 2\.5 reaches 20,480\.$/,
  );
  for (const changes of [{ tokens: 32_769 }, { tokens: 20_000, hasScaling: true }])
    assert.throws(
      () => choose({ ...changes, freeBytes: 40_000_000 }),
      (error) =>
        error instanceof CapacityError &&
        /dca is needed .* nothing can be dropped under it\. Shorten/.test(error.message),
    );
});

test("too little memory for 256 tokens is refused with the sum", () => {
  assert.throws(() => choose({ freeBytes: 10_000 * (512 + 2 * 255) }), {
    name: "CapacityError",
    message: /expected 79 MB for the q8 pages of 8,192 tokens, got 10 MB free: not even 256 tokens a KV head/,
    expected: 81_920_000,
  });
  assert.ok(choose({ freeBytes: 10_000 * (512 + 2 * 256) }));
});

test("layers with a sliding window are mentioned where the plan does anything to the others", () => {
  const last = (changes: Partial<PlanRequest>) => choose({ hasWindows: true, ...changes }).reasons.at(-1)!;
  assert.match(last({ tokens: 10_000 }), /sliding window stay as they are/);
  assert.doesNotMatch(last({}), /sliding window/);
});

test("a model that only has windows needs no memory for more text", () => {
  assert.deepEqual(choose({ kvBytesPerToken: { q8: 0 }, freeBytes: 0 }).plan, defaultPlan);
});

test("whatever the request, the plan reaches it and is sound, or CapacityError says why", () => {
  let chosen = 0;
  fc.assert(
    fc.property(
      fc.record({
        trainedContext: fc.constantFrom(512, 2048, 8192, 32_768),
        tokens: fc.integer({ min: 1, max: 3_000_000 }),
        freeBytes: fc.integer({ min: 0, max: 2 ** 32 }),
        hasScaling: fc.boolean(),
      }),
      ({ trainedContext, tokens, freeBytes, hasScaling }) => {
        try {
          const { plan, reasons } = choose({ trainedContext, tokens, freeBytes, hasScaling });
          chosen++;
          const facts = { name: "m", contextLength: trainedContext, numLayers: 2, numFullLayers: 2, headDim: 64 };
          assert.deepEqual(checkPlan(plan, { ...facts, neededTokens: tokens }).problems, []);
          assert.ok(contextLengthOf(plan.position, trainedContext) >= tokens);
          assert.equal(plan.position.method === "rope", tokens <= trainedContext);
          for (const reason of reasons) assert.match(reason, /^[A-Z0-9q].*\.$/);
        } catch (error) {
          assert.ok(error instanceof CapacityError, `${error}`);
        }
      },
    ),
    { numRuns: 300 },
  );
  assert.ok(chosen > 50, `${chosen} of 300`);
});

test("what to use beyond the trained length, in one sentence", () => {
  assert.equal(
    beyondTrained({ trainedContext: 8192 }),
    'Beyond 8,192 tokens use {"position":{"method":"dca"}}, which reaches 131,072, or yarn up to 32,768 where tokens must be dropped as well; --plan auto chooses.',
  );
  assert.match(beyondTrained({ trainedContext: 8192, hasScaling: true }), /; the file's own scaling rules out methods/);
});
