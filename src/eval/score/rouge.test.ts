import assert from "node:assert/strict";
import { test } from "node:test";
import { clippedPrecision } from "./clipped-precision.ts";
import { rouge, rougeLsum } from "./rouge.ts";

const close = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-7, `${actual} is not ${expected}`);

test("ROUGE-1, -2 and -L are those of the Python package rouge 1.0.1 within 1e-7", () => {
  // [output, reference, recall, precision and F1 of each], printed by that package.
  const table: [string, string, number[], number[], number[]][] = [
    [
      "The cat sat on the mat. It was a red mat.",
      "A cat sat on a red mat. The dog barked at it.",
      [0.5833333333333334, 0.7, 0.6363636314049588],
      [0.36363636363636365, 0.4, 0.3809523759637189],
      [0.5833333333333334, 0.7, 0.6363636314049588],
    ],
    [
      "police kill the gunman",
      "police killed the gunman",
      [0.75, 0.75, 0.75],
      [1 / 3, 1 / 3, 1 / 3],
      [0.75, 0.75, 0.75],
    ],
    ["a b c d. a c e. b d", "c a b. e d a", [1, 1, 1], [0.4, 0.25, 0.3076923029585799], [0.6, 0.6, 0.6]],
    ["the the the report", "the report of the agency", [0.5, 1, 2 / 3], [0.25, 0.5, 1 / 3], [0.25, 0.5, 1 / 3]],
  ];
  for (const [output, reference, ...expected] of table) {
    const scores = rouge(output, reference);
    for (const [i, { recall, precision, f1 }] of [scores.rouge1, scores.rouge2, scores.rougeL].entries())
      for (const [j, value] of [recall, precision, f1].entries()) close(value, expected[i][j]);
  }
  assert.equal(rouge("", "a").rougeL.f1, 0);
});

test("ROUGE-Lsum is that of rouge-score 0.1.2 within 1e-7", () => {
  close(
    rougeLsum("The cat sat.\nIt was on a mat, red and old.", "A cat sat on a red mat.\nThe old dog barked."),
    0.6363636363636364,
  );
  close(rougeLsum("w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5", "w1 w2 w3 w4 w5"), 0.5333333333333333);
  close(rougeLsum("a b c d\na c e\nb d", "c a b\ne d a"), 2 / 3);
  assert.equal(rougeLsum("", "a"), 0);
});

test("BLEU of one order is NLTK 3.10's sentence_bleu within 1e-7", () => {
  const table: [string, string, number, number][] = [
    ["the cat sat on the mat", "the cat sat on a mat today", 0.7054014374088451, 0.28216057496353797],
    ["a b c d e f", "a b c d x f", 0.8333333333333334, 0.3333333333333333],
    ["a b c", "a b c d", 0.7165313105737893, 0],
    ["the the the the", "the cat", 0.25, 0],
    ["x y", "a b", 0, 0],
  ];
  for (const [output, reference, bleu1, bleu4] of table) {
    close(clippedPrecision(output, reference, 1), bleu1);
    close(clippedPrecision(output, reference, 4), bleu4);
  }
});
