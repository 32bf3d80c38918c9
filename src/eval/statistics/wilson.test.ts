import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { wilson } from "./wilson.ts";

const close = (got: number, expected: number, bound: number) => {
  assert.ok(Math.abs(got - expected) <= bound, `expected ${expected} ± ${bound}, got ${got}`);
};

test("Wilson's interval is within 1e-9 of statsmodels 0.15 (proportion_confint, method wilson)", () => {
  for (const [successes, n, low, high] of [
    [20, 25, 0.6086904963045966, 0.9113941531319744],
    [25, 25, 0.8668077490609515, 1],
    [40, 50, 0.6696289406777458, 0.8875624998422389],
    [50, 50, 0.9286524008666412, 1],
    [80, 100, 0.7111708344068411, 0.8666330666689676],
    [100, 100, 0.9630065017930143, 1],
    [400, 500, 0.7627108946948261, 0.8327145010282427],
    [500, 500, 0.9923756595384479, 1],
    [0, 5, 0, 0.43448246478317487],
    [1, 3, 0.06149194472039626, 0.7923403991979523],
  ]) {
    const interval = wilson(successes / n, n);
    close(interval.low, low, 1e-9);
    close(interval.high, high, 1e-9);
  }
});

test("ten of ten still allows 72 %, to one point", () => {
  close(wilson(1, 10).low, 0.72, 0.01);
});

test("Wilson's interval holds the share, stays within 0 to 1, mirrors, and shrinks with n", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, fraction) => {
      const share = Math.round(fraction * n) / n;
      const { low, high } = wilson(share, n);
      assert.ok(0 <= low && low <= share && share <= high && high <= 1);
      const mirrored = wilson(1 - share, n);
      close(mirrored.low, 1 - high, 1e-12);
      close(mirrored.high, 1 - low, 1e-12);
      const larger = wilson(share, 2 * n);
      assert.ok(larger.high - larger.low < high - low);
    }),
  );
});
