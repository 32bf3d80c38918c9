import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bleu4 } from "./bleu.ts";

/** sentence_bleu([reference], hypothesis, smoothing_function=SmoothingFunction().method4) of NLTK 3.10.4. */
const nltk: [hypothesis: string, reference: string, bleu: number][] = [
  ["the cat sat on the mat today", "the cat sat on the mat today", 1],
  ["the cat sat on a mat", "the cat sat on the mat today", 0.4548019047027907],
  ["a b c", "a b d e f", 0.10873134470594509],
  ["x y z", "a b c", 0],
  ["one", "one", 1],
  ["one two", "one two", 0.2213885886251307],
  ["return a + b ; }", "function add ( a , b ) { return a + b ; }", 0.2635971381157267],
  ["a a a a b", "a b a c", 0.13414195051824768],
  ["the the the the the the the", "the cat is on the mat", 0.03848196746087264],
  ["a x b y c z", "a b c d e f g h", 0.03545089024563954],
];

test("BLEU-4 equals NLTK 3.10.4 within 1e-12 on ten pairs, four of them smoothed", () => {
  for (const [hypothesis, reference, expected] of nltk) {
    const difference = Math.abs(bleu4(hypothesis, reference) - expected);
    assert.ok(difference < 1e-12, `${hypothesis}: ${bleu4(hypothesis, reference)}, expected ${expected}`);
  }
});

test("an empty answer scores 0", () => {
  assert.equal(bleu4("", "a b"), 0);
  assert.equal(bleu4(" \n ", "a b"), 0);
});

test("BLEU-4 lies in [0, 1], is 1 for a text of four words or more against itself, and ignores the kind of whitespace", () => {
  const words = fc.array(fc.constantFrom("a", "b", "c", "d", "e"), { minLength: 4, maxLength: 30 });
  fc.assert(
    fc.property(words, words, (left, right) => {
      const value = bleu4(left.join(" "), right.join(" "));
      assert.ok(value >= 0 && value <= 1);
      assert.ok(Math.abs(bleu4(left.join(" "), left.join("\n\t")) - 1) < 1e-12);
    }),
  );
});
