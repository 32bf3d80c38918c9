import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { randomFloats } from "../../test/support/random.ts";
import { InputError } from "../runtime/errors.ts";
import { createSampler, type SamplingOptions } from "./sampler.ts";

/** Probabilities after temperature, by the formula. */
function softmax(logits: Float32Array, temperature: number): number[] {
  const best = Math.max(...logits);
  const weights = Array.from(logits, (logit) => Math.exp((logit - best) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

function draw(logits: Float32Array, options: SamplingOptions, draws: number): number[] {
  const sampler = createSampler(options);
  const counts = new Array<number>(logits.length).fill(0);
  for (let i = 0; i < draws; i++) counts[sampler(logits)]++;
  return counts;
}

/** The tokens that were drawn, in order of id. */
function drawn(logits: Float32Array, options: SamplingOptions): number[] {
  const counts = draw(logits, options, 4000);
  return [...counts.keys()].filter((id) => counts[id] > 0);
}

/** Cells with a smaller expectation are joined into one: their squares would count too much. */
const LEAST_EXPECTED = 5;

/** Σ (observed − expected)² / expected, its mean being `freedom`. */
function chiSquare(counts: number[], probabilities: number[]): { statistic: number; freedom: number } {
  const draws = counts.reduce((sum, count) => sum + count, 0);
  const cells = counts.map((observed, id) => ({ observed, expected: draws * probabilities[id] }));
  const large = cells.filter(({ expected }) => expected >= LEAST_EXPECTED);
  const rest = cells.filter(({ expected }) => expected < LEAST_EXPECTED);
  const joined = {
    observed: rest.reduce((sum, { observed }) => sum + observed, 0),
    expected: rest.reduce((sum, { expected }) => sum + expected, 0),
  };
  if (joined.expected > 0) large.push(joined);
  else assert.equal(joined.observed, 0, "a token without probability was drawn");
  const statistic = large.reduce((sum, { observed, expected }) => sum + (observed - expected) ** 2 / expected, 0);
  return { statistic, freedom: large.length - 1 };
}

function isLikely(counts: number[], probabilities: number[]): boolean {
  const { statistic, freedom } = chiSquare(counts, probabilities);
  return statistic < freedom + 4 * Math.sqrt(2 * freedom);
}

/** Of five tokens: 0.4, 0.3, 0.15, 0.1, 0.05, out of order. */
const probabilities = [0.15, 0.4, 0.05, 0.3, 0.1];
const logits = Float32Array.from(probabilities, Math.log);

test("temperature 0 takes the largest logit, the first of equals, and needs no options", () => {
  assert.equal(createSampler()(logits), 1);
  assert.equal(createSampler({ temperature: 0, topK: 3, seed: 9 })(Float32Array.of(1, 7, 7, -2)), 1);
});

test("topK keeps exactly the k most probable tokens, and all of them if 0", () => {
  const common = { temperature: 1, seed: 1 };
  assert.deepEqual(drawn(logits, { ...common, topK: 1 }), [1]);
  assert.deepEqual(drawn(logits, { ...common, topK: 3 }), [0, 1, 3]);
  assert.deepEqual(drawn(logits, { ...common, topK: 0 }), [0, 1, 2, 3, 4]);
  assert.deepEqual(drawn(logits, { ...common, topK: 99 }), [0, 1, 2, 3, 4]);
});

test("topP keeps the smallest set of most probable tokens that holds the mass, never none", () => {
  const common = { temperature: 1, seed: 2 };
  assert.deepEqual(drawn(logits, { ...common, topP: 0 }), [1]);
  assert.deepEqual(drawn(logits, { ...common, topP: 0.39 }), [1]);
  assert.deepEqual(drawn(logits, { ...common, topP: 0.41 }), [1, 3]);
  assert.deepEqual(drawn(logits, { ...common, topP: 0.86 }), [0, 1, 3, 4]);
  assert.deepEqual(drawn(logits, { ...common, topP: 1 }), [0, 1, 2, 3, 4]);
});

test("minP keeps tokens at least that probable relative to the best", () => {
  const common = { temperature: 1, seed: 3 };
  assert.deepEqual(drawn(logits, { ...common, minP: 0.24 }), [0, 1, 3, 4]); // the limit is 0.096
  assert.deepEqual(drawn(logits, { ...common, minP: 0.3 }), [0, 1, 3]);
  assert.deepEqual(drawn(logits, { ...common, minP: 1 }), [1]);
});

test("filters work on the distribution after temperature, topK before minP before topP", () => {
  // At temperature 2 probabilities are as their square roots: 0.19, 0.30, 0.11, 0.26, 0.15.
  assert.deepEqual(drawn(logits, { temperature: 2, topP: 0.5, seed: 4 }), [1, 3]);
  assert.deepEqual(drawn(logits, { temperature: 0.5, topP: 0.5, seed: 4 }), [1]);
  // Of the two that topK leaves, the best holds 0.4 / 0.7 of the mass.
  assert.deepEqual(drawn(logits, { temperature: 1, topK: 2, topP: 0.56, seed: 4 }), [1]);
});

test("20,000 draws follow the softmax: chi-square below its mean + 4 deviations, at three temperatures", () => {
  const many = randomFloats(40, 5, 1.5);
  for (const temperature of [0.7, 1, 1.5]) {
    const counts = draw(many, { temperature, seed: 6 }, 20_000);
    assert.ok(isLikely(counts, softmax(many, temperature)), `temperature ${temperature}`);
    // The bound tells apart.
    assert.ok(!isLikely(counts, softmax(many, temperature * 1.1)));
  }
});

test("what filters leave is drawn in proportion: chi-square of 20,000 draws below its mean + 4 deviations", () => {
  const counts = draw(logits, { temperature: 1, topK: 3, seed: 7 }, 20_000);
  const kept = probabilities.map((p, id) => ([0, 1, 3].includes(id) ? p / 0.85 : 0));
  assert.ok(isLikely(counts, kept));
});

test("the same seed gives the same tokens, other seeds others", () => {
  const run = (seed: number) => {
    const sampler = createSampler({ temperature: 1, seed });
    return Array.from({ length: 50 }, () => sampler(logits));
  };
  assert.deepEqual(run(11), run(11));
  assert.notDeepEqual(run(11), run(12));
});

test("a token drawn from random logits under random filters is one that the filters leave: 500 cases", () => {
  const cases = fc.record({
    seed: fc.nat(),
    topK: fc.nat(12),
    topP: fc.double({ min: 0, max: 1, noNaN: true }),
    minP: fc.double({ min: 0, max: 1, noNaN: true }),
    temperature: fc.double({ min: 0.1, max: 3, noNaN: true }),
  });
  fc.assert(
    fc.property(cases, ({ seed, topK, topP, minP, temperature }) => {
      const values = randomFloats(30, seed, 2);
      const p = softmax(values, temperature);
      const id = createSampler({ temperature, topK, topP, minP, seed })(values);
      const better = p.filter((other) => other > p[id]);
      assert.ok(topK === 0 || better.length < topK);
      assert.ok(p[id] >= minP * Math.max(...p) * (1 - 1e-9));
      assert.ok(better.length === 0 || better.reduce((sum, other) => sum + other, 0) < topP * (1 + 1e-9));
    }),
    { numRuns: 500, seed: 1 },
  );
});

test("options out of range are refused with the range", () => {
  const wrong: [SamplingOptions, RegExp][] = [
    [{ temperature: -1 }, /temperature: expected a number from 0 to 100, got -1/],
    [{ temperature: Number.NaN }, /temperature: .* got NaN/],
    [{ topK: -5 }, /topK: .* got -5/],
    [{ topP: 1.5 }, /topP: expected a number from 0 to 1, got 1\.5/],
    [{ minP: 2 }, /minP: expected a number from 0 to 1, got 2/],
  ];
  for (const [options, message] of wrong)
    assert.throws(
      () => createSampler(options),
      (error) => error instanceof InputError && message.test(error.message),
    );
});

test("bias moves a token's logit, penalties take from those sampled before, and the logits stay as they were", () => {
  const flat = Float32Array.of(0, 0.3, 0.2, -1);
  assert.equal(createSampler({ logitBias: { 3: 2, 99: 5 } })(flat), 3);
  assert.equal(createSampler({ logitBias: { 1: -100 } })(flat), 2);
  const once = createSampler({ presencePenalty: 0.5 });
  assert.deepEqual(
    Array.from({ length: 5 }, () => once(flat)),
    [1, 2, 0, 1, 1],
  );
  const often = createSampler({ frequencyPenalty: 0.25 });
  assert.deepEqual(
    Array.from({ length: 6 }, () => often(flat)),
    [1, 2, 1, 0, 2, 1],
  );
  assert.deepEqual([...flat], [...Float32Array.of(0, 0.3, 0.2, -1)]);
});

test("of masked tokens none is ever sampled, whatever the temperature: 2,000 random draws", () =>
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { minLength: 1, maxLength: 70 }).filter((allowed) => allowed.includes(true)),
      fc.constantFrom(0, 0.5, 2),
      fc.nat(),
      (allowed, temperature, seed) => {
        const mask = new Uint32Array(Math.ceil(allowed.length / 32));
        allowed.forEach((isAllowed, id) => {
          if (isAllowed) mask[id >> 5] |= 1 << (id & 31);
        });
        const sampler = createSampler({ temperature, seed, topP: 0.9 });
        const values = randomFloats(allowed.length, seed);
        for (let i = 0; i < 20; i++) assert.ok(allowed[sampler(values, mask)]);
      },
    ),
    { numRuns: 100, seed: 4 },
  ));
