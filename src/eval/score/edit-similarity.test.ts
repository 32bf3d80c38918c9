import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { codeSimilarity, matchingRatio } from "./edit-similarity.ts";

test("the matching ratio is that of Python's difflib without junk, exactly", () => {
  assert.equal(matchingRatio("    return a + b", "return a+b"), 0.7692307692307693);
  assert.equal(matchingRatio("for i in range(10):", "for (i = 0; i < 10; i++) {"), 0.4888888888888889);
  assert.equal(matchingRatio("abcd", "bcde"), 0.75);
  assert.equal(matchingRatio("qabxcd", "abycdf"), 0.6666666666666666);
  assert.equal(matchingRatio("x", "y"), 0);
});

test("the matching ratio is 1 only for equal texts and never above (fast-check)", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 20 }), fc.string({ maxLength: 20 }), (a, b) => {
      const ratio = matchingRatio(a, b);
      assert.ok(ratio >= 0 && ratio <= 1);
      assert.equal(ratio === 1, a === b);
    }),
  );
});

test("code similarity reads the first line that is no comment and no fence, in whole per cent", () => {
  assert.equal(codeSimilarity("\n```python\n# first\nreturn a+b\nmore", "return a+b"), 1);
  assert.equal(codeSimilarity("    return a + b", "return a+b"), 0.77);
  assert.equal(codeSimilarity("# only", "x"), 0);
});
