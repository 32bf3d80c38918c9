import assert from "node:assert/strict";
import { test } from "node:test";
import { readLogitsGolden, type TopLogits } from "./golden.ts";
import { argmax, compareRows, compareTop, klDivergence, klFromTop } from "./kl.ts";
import { randomFloats } from "./random.ts";

const size = 1000;
const golden = randomFloats(size, 1, 3);
const noise = randomFloats(size, 2, 0.1);
const ours = golden.map((logit, id) => logit + noise[id]);

function topOf(logits: Float32Array, count: number): TopLogits {
  const sorted = Array.from(logits, (logit, id): [number, number] => [id, logit]).sort((a, b) => b[1] - a[1]);
  const logsumexp = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
  return { argmax: sorted[0][0], logsumexp, top: sorted.slice(0, count) };
}

test("klDivergence of two outcomes is the formula", () => {
  const logits = (p: number) => Float32Array.of(Math.log(p), Math.log(1 - p));
  const expected = 0.8 * Math.log(0.8 / 0.3) + 0.2 * Math.log(0.2 / 0.7);
  assert.ok(Math.abs(klDivergence(logits(0.8), logits(0.3)) - expected) < 1e-7);
  assert.equal(klDivergence(golden, golden), 0);
});

test("klDivergence does not change when a constant is added to either side, within 1e-3 relative", () => {
  const exact = klDivergence(golden, ours);
  const shifted = klDivergence(
    golden.map((logit) => logit + 100),
    ours.map((logit) => logit - 50),
  ); // f32 steps of 8e-6
  assert.ok(Math.abs(shifted / exact - 1) < 1e-3, `${shifted} ${exact}`);
});

test("klFromTop with every token in the top is exact, within 1e-9", () => {
  const { lower, estimate } = klFromTop(topOf(golden, size), ours);
  const exact = klDivergence(golden, ours);
  assert.ok(Math.abs(lower - exact) < 1e-9 && Math.abs(estimate - exact) < 1e-9);
});

test("klFromTop never exceeds the exact value with `lower`, and `estimate` is within 15 % of it for even noise", () => {
  const exact = klDivergence(golden, ours);
  for (const count of [16, 64, 256]) {
    const { lower, estimate } = klFromTop(topOf(golden, count), ours);
    assert.ok(lower <= exact, `${lower} ${exact}`);
    assert.ok(Math.abs(estimate / exact - 1) < 0.15, `top ${count}: ${estimate} ${exact}`);
  }
});

test("compareRows and compareTop give means, maxima and the share of equal largest logits", () => {
  const other = golden.slice();
  other[(argmax(golden) + 1) % size] = argmax(golden) + 50;
  const { meanKl, maxKl, top1 } = compareRows([golden, golden], [golden, other]);
  assert.equal(top1, 0.5);
  assert.equal(maxKl, 2 * meanKl);
  assert.equal(compareTop([topOf(golden, 64)], [golden]).top1, 1);
});

test("golden logits of real models are whole: 400 positions, 64 logits each in order, mass at most 1 within 1e-3", () => {
  for (const model of ["smollm2-135m", "qwen2.5-coder-0.5b", "gemma3-270m"] as const) {
    const { ids, positions } = readLogitsGolden(model);
    assert.equal(ids.length, 400);
    assert.equal(positions.length, 400);
    for (const { argmax: best, logsumexp, top } of positions) {
      assert.equal(top.length, 64);
      assert.equal(top[0][0], best);
      assert.ok(top.every(([, logit], i) => i === 0 || logit <= top[i - 1][1]));
      assert.ok(top.reduce((sum, [, logit]) => sum + Math.exp(logit - logsumexp), 0) <= 1.001);
    }
  }
});
