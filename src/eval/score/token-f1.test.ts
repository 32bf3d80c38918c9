import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { characterF1, normalizeAnswer, substringMatch, tokenF1 } from "./token-f1.ts";

test("SQuAD normalisation drops case, ASCII punctuation and articles, in that order", () => {
  assert.equal(normalizeAnswer("  The Cat's a-b, and an\tApple. "), "cats ab and apple");
  // "A." loses its full stop first and is an article then; letters next to an article keep it.
  assert.equal(normalizeAnswer("A. anthem thé"), "anthem thé");
});

test("token F1 counts repeated words, exact to 1e-12: 2·p·r/(p+r)", () => {
  assert.equal(tokenF1("the red cat", "a red cat!"), 1);
  // Shared: red once, of 3 and 2 words.
  assert.ok(Math.abs(tokenF1("red red dog", "red cat") - 2 / 5) < 1e-12);
  assert.equal(tokenF1("", ""), 0);
  assert.equal(tokenF1("dog", "cat"), 0);
  // 2 of 3 characters and 2 of 2.
  assert.ok(Math.abs(characterF1("北京市。", "北京") - 4 / 5) < 1e-12);
});

test("token F1 is symmetric and 1 with itself (fast-check)", () => {
  const words = fc.array(fc.constantFrom("red", "cat", "the", "dog,", "A"), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(words, words, (a, b) => {
      const [x, y] = [a.join(" "), b.join(" ")];
      assert.ok(Math.abs(tokenF1(x, y) - tokenF1(y, x)) < 1e-12);
      if (normalizeAnswer(x) !== "") assert.equal(tokenF1(x, x), 1);
    }),
  );
});

test("substring match looks at normalised text and takes any reference", () => {
  assert.equal(substringMatch("It was the Eiffel-Tower.", ["louvre", "an eiffeltower"]), 1);
  assert.equal(substringMatch("It was there.", ["louvre"]), 0);
});
