import assert from "node:assert/strict";
import { test } from "node:test";
import { linear } from "./linear.ts";
import { trainedFrequencies } from "./method.ts";
import { fillRopeTable } from "./table.ts";

/** [cosines, sines] of one position. */
function rowOf(position: number, frequencies: Float64Array): { cos: Float32Array; sin: Float32Array } {
  const pairs = frequencies.length;
  const row = new Float32Array(2 * pairs);
  fillRopeTable(row, [position], { inverse: frequencies, attentionFactor: 1 });
  return { cos: row.subarray(0, pairs), sin: row.subarray(pairs) };
}

test("frequencies with base 1e6 and 64 dimensions are 10^(−6·m/32) by hand: 1, 10^−1.5, 10^−3, 10^−4.5, 10^−5.8125", () => {
  const frequencies = trainedFrequencies({ base: 1e6, rotary: 64 });
  assert.equal(frequencies.length, 32);
  const byHand = { 0: 1, 8: 0.03162277660168379, 16: 1e-3, 24: 3.1622776601683795e-5, 31: 1.539926526059492e-6 };
  for (const [m, expected] of Object.entries(byHand))
    assert.ok(Math.abs(frequencies[Number(m)] / expected - 1) < 1e-14, `${m}: ${frequencies[Number(m)]}`);
});

test("only the leading dimensions turn: the exponent counts within `rotary`, not within the head", () => {
  assert.deepEqual(Array.from(trainedFrequencies({ base: 16, rotary: 8 })), [1, 1 / 2, 1 / 4, 1 / 8]);
});

test("linear scaling divides every angle: position 4p with factor 4 is position p without, bit for bit", () => {
  const plain = trainedFrequencies({ base: 1e4, rotary: 64 });
  const trained = { base: 1e4, rotary: 64, contextLength: 4096 };
  const scaled = linear.frequencies({ method: "linear", factor: 4 }, trained).inverse;
  assert.deepEqual(rowOf(4 * 777, scaled), rowOf(777, plain));
});

test("a row holds cosines, then sines, of its own position", () => {
  const table = new Float32Array(2 * 4);
  fillRopeTable(table, [0, 3], { inverse: Float64Array.of(1, 0.5), attentionFactor: 1 });
  const expected = [1, 1, 0, 0, Math.cos(3), Math.cos(1.5), Math.sin(3), Math.sin(1.5)].map(Math.fround);
  assert.deepEqual(Array.from(table), expected);
});

test("at position 1,000,000 cosines and sines are right within 1e-7 (f32 angles would be off by 6e-3)", () => {
  const frequencies = trainedFrequencies({ base: 1e6, rotary: 64 });
  const { cos, sin } = rowOf(1_000_000, frequencies);
  let largestF32Error = 0;
  for (let m = 0; m < 32; m++) {
    const angle = 1_000_000 * 1e6 ** (-m / 32);
    assert.ok(Math.abs(cos[m] - Math.cos(angle)) < 1e-7, `cos ${m}`);
    assert.ok(Math.abs(sin[m] - Math.sin(angle)) < 1e-7, `sin ${m}`);
    const rounded = Math.fround(1_000_000 * Math.fround(1e6 ** (-m / 32)));
    largestF32Error = Math.max(largestF32Error, Math.abs(rounded - angle));
  }
  assert.ok(largestF32Error > 5e-3, `${largestF32Error}`);
});

test("scores of turned vectors depend on their distance only, within 1e-5 at positions up to 100,000", () => {
  const frequencies = trainedFrequencies({ base: 1e4, rotary: 64 });
  /** Real part of Σ of unit pairs turned to two positions: Σ cos(angle(p) − angle(q)). */
  const score = (p: number, q: number) => {
    const [a, b] = [rowOf(p, frequencies), rowOf(q, frequencies)];
    return a.cos.reduce((sum, cos, m) => sum + cos * b.cos[m] + a.sin[m] * b.sin[m], 0) / 32;
  };
  const expected = score(37, 0);
  for (const q of [1, 1000, 99_963]) assert.ok(Math.abs(score(q + 37, q) - expected) < 1e-5);
  assert.ok(Math.abs(score(38, 0) - expected) > 1e-3);
});

test("the attention factor multiplies both halves, and a scale its row", () => {
  const table = new Float32Array(4);
  const scaleOf = (row: number) => (row === 1 ? 3 : 1);
  fillRopeTable(table, [0, 5], { inverse: Float64Array.of(0.25), attentionFactor: 2 }, scaleOf);
  assert.deepEqual(Array.from(table), [2, 0, 6 * Math.cos(1.25), 6 * Math.sin(1.25)].map(Math.fround));
});
