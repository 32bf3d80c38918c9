import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { plainHaystack } from "../../../../test/support/task-cell.ts";
import { hide, sentenceStart } from "./place.ts";

test("a needle stands before the sentence in which its place falls, at the beginning for 0 and at the end for 1", () => {
  const text = "One two. Three four. Five six.";
  const at = (depth: number) => hide(text, [{ text: "N.", depth }], " ").text;
  assert.equal(at(0), "N. One two. Three four. Five six.");
  assert.equal(at(0.25), "N. One two. Three four. Five six.");
  assert.equal(at(0.5), "One two. N. Three four. Five six.");
  assert.equal(at(0.99), "One two. Three four. N. Five six.");
  assert.equal(at(1), "One two. Three four. Five six. N.");
});

test("a text without sentences takes the needle before the word in which its place falls", () => {
  const text = "alpha beta ".repeat(1000).trim();
  const beta = 11 * 700 + 6;
  assert.deepEqual([sentenceStart(text, beta), sentenceStart(text, beta + 3), sentenceStart(text, 2)], [beta, beta, 0]);
});

test("needles hidden together: spans hold them, in order, and without them the text is unchanged", () =>
  fc.assert(
    fc.property(
      fc.integer({ min: 5, max: 1200 }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 5 }),
      (words, drawn) => {
        const text = plainHaystack.words(words, words);
        const needles = drawn.sort((a, b) => a - b).map((depth, i) => ({ text: `Needle ${i}.`, depth }));
        const hidden = hide(text, needles, "\n");
        assert.deepEqual(
          hidden.spans.map(({ start, end }) => hidden.text.slice(start, end)),
          needles.map((needle) => needle.text),
        );
        assert.equal(
          hidden.text
            .replaceAll(/\n?Needle \d\.\n?/g, " ")
            .replace(/ +/g, " ")
            .trim(),
          text,
        );
        // At a sentence's beginning, at most one sentence (16 words, 9 letters each) before the place asked for.
        for (const [i, { start }] of hidden.spans.entries()) {
          const wanted = needles[i].depth * text.length;
          assert.ok(start <= wanted + 12 * needles.length && start >= wanted - 160, `${start} for ${wanted}`);
        }
      },
    ),
    { numRuns: 60, seed: 1 },
  ));
