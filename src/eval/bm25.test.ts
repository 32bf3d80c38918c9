import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createBm25 } from "./bm25.ts";

const documents = ["The cat sat.", "The dog sat, and the dog barked.", "Birds fly."];

test("BM25 equals the values computed by hand within 1e-12", () => {
  // N = 3, lengths 3, 7, 2, mean 4. "dog": n = 1, f = 2 in the second. "sat": n = 2, f = 1 in the first two.
  const rare = Math.log(1 + 2.5 / 1.5);
  const common = Math.log(1 + 1.5 / 2.5);
  const first = (common * 2.2) / (1 + 1.2 * (0.25 + (0.75 * 3) / 4)); // 0.470004 * 2.2 / 1.975 = 0.523549
  const longer = 1.2 * (0.25 + (0.75 * 7) / 4); // 1.875
  const second = (rare * 2 * 2.2) / (2 + longer) + (common * 2.2) / (1 + longer); // 1.113683 + 0.359655
  const scores = createBm25(documents).scores("DOG sat?");
  for (const [index, expected] of [first, second, 0].entries())
    assert.ok(Math.abs(scores[index] - expected) < 1e-12, `document ${index}: ${scores[index]}, expected ${expected}`);
  assert.equal(first.toFixed(4), "0.5235");
  assert.equal(second.toFixed(4), "1.4734");
});

test("without length normalization (b = 0) only counts matter, and without saturation (k1 = 0) only presence", () => {
  const same = createBm25(["a x", "a y y y y"], { b: 0 }).scores("a");
  assert.equal(same[0], same[1]);
  const present = createBm25(["a x", "a a a"], { k1: 0 }).scores("a");
  assert.equal(present[0], present[1]);
});

test("the best documents come first, and equal ones in their order", () => {
  assert.deepEqual(createBm25(documents).best("a dog that sat", 2), [1, 0]);
  assert.deepEqual(createBm25(documents).best("nothing here", 3), [0, 1, 2]);
  assert.deepEqual(createBm25(documents).best("birds", 9), [2, 0, 1]);
});

test("a word that only one document has puts that document first, whatever the others say", () => {
  const text = fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(fc.array(text, { minLength: 2, maxLength: 8 }), fc.nat(), (texts, at) => {
      const chosen = at % texts.length;
      const all = texts.map((words, index) => (index === chosen ? [...words, "needle"] : words).join(" "));
      assert.equal(createBm25(all).best("Needle", 1)[0], chosen);
    }),
  );
});
