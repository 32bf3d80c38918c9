import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { klDivergence } from "../../../test/support/kl.ts";
import { randomFloats } from "../../../test/support/random.ts";
import { compareStep, divergenceOf } from "./divergence.ts";

const logits = (...probabilities: number[]) => Float32Array.from(probabilities, Math.log);

test("one step of two outcomes is the formulas, within 1e-6", () => {
  const { kl, sameTop, deltaP, deltaNll } = compareStep(logits(0.8, 0.2), logits(0.3, 0.7), 0);
  const near = (actual: number, expected: number) => assert.ok(Math.abs(actual - expected) < 1e-6, `${actual}`);
  near(kl, 0.8 * Math.log(0.8 / 0.3) + 0.2 * Math.log(0.2 / 0.7));
  near(deltaP, 0.3 - 0.8);
  near(deltaNll, Math.log(0.8 / 0.3));
  assert.equal(sameTop, false);
});

test("a row with itself has a KL of exactly 0, any two have at least 0, as the test support's KL within 1e-12", () =>
  fc.assert(
    fc.property(fc.integer(), fc.integer(), fc.double({ min: 0, max: 30, noNaN: true }), (seed, other, scale) => {
      const row = randomFloats(500, seed, scale);
      const noisy = row.map((logit, id) => logit + randomFloats(500, other, 1)[id]);
      assert.deepEqual(compareStep(row, row, 3), { kl: 0, sameTop: true, deltaP: 0, deltaNll: 0 });
      const { kl } = compareStep(row, noisy, 0);
      assert.ok(kl >= 0 && Math.abs(kl - klDivergence(row, noisy)) < 1e-12);
    }),
    { numRuns: 10, seed: 1 },
  ));

test("steps are summed up with their percentiles; prompts of one group are one cluster", () => {
  const stepOf = (kl: number) => ({ kl, sameTop: kl < 90, deltaP: kl % 2 ? 0.1 : -0.1, deltaNll: 0.5 });
  const prompts = Array.from({ length: 101 }, (_, kl) => ({ group: String(kl % 4), steps: [stepOf(kl)] }));
  const { steps, kl, top1, deltaP, deltaNll, perplexityRatio } = divergenceOf(prompts)!;
  assert.equal(steps, 101);
  const { median, p90, p95, p99, max, mean } = kl;
  assert.deepEqual({ median, p90, p95, p99, max, mean }, { median: 50, p90: 90, p95: 95, p99: 99, max: 100, mean: 50 });
  assert.equal(top1.mean, 90 / 101);
  assert.ok(Math.abs(deltaP.rootMeanSquare - 0.1) < 1e-12);
  assert.ok(Math.abs(deltaP.mean + 0.1 / 101) < 1e-12);
  assert.equal(deltaNll.mean, 0.5);
  assert.ok(Math.abs(perplexityRatio - Math.exp(0.5)) < 1e-12);
  assert.ok(kl.interval!.low < 50 && kl.interval!.high > 50);
  assert.equal(divergenceOf([{ group: "one", steps: [stepOf(1), stepOf(2)] }])!.kl.interval, undefined);
  assert.equal(divergenceOf([{ group: "one", steps: [] }]), undefined);
});
