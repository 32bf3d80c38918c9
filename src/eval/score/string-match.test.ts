import assert from "node:assert/strict";
import { test } from "node:test";
import { postProcess, stringMatchAll, stringMatchPart, wordMatchAll } from "./string-match.ts";

/** [output, references, all, part, as words of their own] */
const cases: [string, string[], number, number, number][] = [
  [" 7022674.", ["7022674"], 1, 1, 1],
  ["7022674", ["7022674", "1234567", "7654321", "1111111"], 1 / 4, 1, 1 / 4],
  ["70226745", ["7022674"], 1, 1, 0],
  ["7022,674", ["7022674"], 0, 0, 0],
  ["", ["7022674"], 0, 0, 0],
  ["ABCDE FGHIJ KLMNO", ["ABCDE", "FGHIJ", "KLMNO", "PQRST", "UVWXY"], 3 / 5, 1, 3 / 5],
  ["abcde, Fghij", ["ABCDE", "FGHIJ"], 1, 1, 1],
  ["1. party 2. heart 3. dog", ["art", "dog"], 1, 1, 1 / 2],
  ["1.dog 2.contact lens", ["dog", "contact lens"], 1, 1, 1],
  ["state-of-the-art", ["art"], 1, 1, 0],
  ["arm-rest - arm", ["arm"], 1, 1, 1],
  ["the answer:\tThe Norman\u0000conquest\u001f", ["norman\nconquest"], 1, 1, 1],
  ["JALAPE\u00d1O", ["jalape\u00f1o"], 1, 1, 1],
  ["jalape\u00f1o", ["jalape"], 1, 1, 0],
  ["a+b (c)", ["a+b", "(c)", "a.b"], 2 / 3, 1, 2 / 3],
  ["abc", [""], 1, 1, 0],
  ["France", ["in France", "France", "france"], 2 / 3, 1, 2 / 3],
  ["ea2f4c1e-98fd-4b6b-a8a2-2d1f0d0e6c11", ["EA2F4C1E-98FD-4B6B-A8A2-2D1F0D0E6C11"], 1, 1, 1],
];

for (const [output, references, all, part, words] of cases)
  test(`${JSON.stringify(output)} for ${JSON.stringify(references)}: all ${all}, part ${part}, words ${words}, exactly`, () => {
    assert.deepEqual(
      [stringMatchAll(output, references), stringMatchPart(output, references), wordMatchAll(output, references)],
      [all, part, words],
    );
  });

test("control characters become line breaks, and white space at both ends goes", () => {
  assert.equal(postProcess("\u0000\t a\tb\u001f \n"), "a\nb");
});
