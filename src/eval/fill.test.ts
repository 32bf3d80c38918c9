import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { InputError } from "../runtime/errors.ts";
import { filled } from "./fill.ts";
import { createRandom } from "./random.ts";
import type { Cell, Parts } from "./types.ts";

/** Counts words; the rest of a cell is not used here. */
function wordCell(length: number): Cell {
  return {
    seed: 1,
    length,
    count: 1,
    random: (name) => createRandom("fill", length, name),
    promptTokens: ({ context, question }: Parts) => `${context} ${question}`.split(" ").length,
    countTokens: (text) => text.split(" ").length,
    haystack: { name: "none", sha256: "", license: "", sentences: [], words: () => "", wordCount: 0 },
    files: new Map(),
  };
}

test("prompt and answer fill the length exactly where a unit is one token, and are less than a unit short elsewhere", () =>
  fc.assert(
    fc.property(fc.integer({ min: 60, max: 5000 }), fc.integer({ min: 1, max: 9 }), (length, perUnit) => {
      const build = (units: number) => ({
        parts: {
          context: Array(units * perUnit)
            .fill("word")
            .join(" "),
          question: "why",
        },
        references: [],
        maxTokens: 20,
      });
      const { parts, maxTokens } = filled(wordCell(length), build)(0);
      const total = wordCell(length).promptTokens(parts) + maxTokens;
      assert.ok(total <= length && total > length - perUnit, `${total} of ${length}`);
    }),
    { numRuns: 60, seed: 1 },
  ));

test("no more units than there are, and a length below the least is refused with both numbers", () => {
  const build = (units: number) => ({
    parts: { context: Array(units).fill("word").join(" "), question: "why" },
    references: [],
    maxTokens: 20,
  });
  const { parts } = filled(wordCell(1000), build, { most: 100 })(0);
  assert.equal(parts.context.split(" ").length, 100);
  assert.throws(
    () => filled(wordCell(30), build, { least: 50 })(0),
    (error) => error instanceof InputError && error.expected === 71 && error.got === 30,
  );
});

test("sample 5 is the same whether or not others were made before it", () => {
  const build = (units: number, random: ReturnType<typeof createRandom>) => ({
    parts: {
      context: Array.from({ length: units }, () => "w".repeat(random.between(1, 3))).join(" "),
      question: "why",
    },
    references: [],
    maxTokens: 20,
  });
  const alone = filled(wordCell(300), build)(5);
  const after = filled(wordCell(300), build);
  for (const i of [3, 1, 4]) after(i);
  assert.deepEqual(after(5), alone);
});
