import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { UnsupportedError } from "../runtime/errors.ts";
import { createPreTokenizer, preTokenizerNames } from "./pre-tokenizer.ts";

function words(name: string, text: string): string[] {
  const { pattern } = createPreTokenizer(name);
  const found: string[] = [];
  for (let start = 0; start < text.length; start = pattern.lastIndex) {
    pattern.lastIndex = start;
    assert.ok(pattern.test(text), `${name}: no word at ${start} of ${JSON.stringify(text)}`);
    assert.ok(pattern.lastIndex > start, `${name}: an empty word at ${start} of ${JSON.stringify(text)}`);
    found.push(text.slice(start, pattern.lastIndex));
  }
  return found;
}

test("one text tells the families apart", () => {
  const text = "HelloWorld it'S 1234  56\n\n(éa)";
  const expected: Record<string, string[]> = {
    qwen2: ["HelloWorld", " it", "'S", " ", "1", "2", "3", "4", " ", " ", "5", "6", "\n\n", "(éa", ")"],
    "llama-bpe": ["HelloWorld", " it", "'S", " ", "123", "4", " ", " ", "56", "\n\n", "(éa", ")"],
    "gpt-2": ["HelloWorld", " it", "'", "S", " 1234", " ", " 56", "\n", "\n", "(", "éa", ")"],
    smollm: ["HelloWorld", " it", "'", "S", " ", "1", "2", "3", "4", "  ", "5", "6", "\n", "\n", "(", "éa", ")"],
    tekken: ["Hello", "World", " it", "'S", " ", "1", "2", "3", "4", " ", " ", "5", "6", "\n\n", "(éa", ")"],
    "gpt-4o": ["Hello", "World", " it'S", " ", "123", "4", " ", " ", "56", "\n\n", "(éa", ")"],
  };
  for (const [name, list] of Object.entries(expected)) assert.deepEqual(words(name, text), list, name);
});

test("white space is Unicode's: U+0085 is, U+FEFF is not", () => {
  assert.deepEqual(words("qwen2", "a \u0085b"), ["a", " ", "\u0085b"]);
  assert.deepEqual(words("qwen2", "a \ufeff!"), ["a", " \ufeff!"]);
});

test("a combining mark belongs to the word in qwen35 and ends it in qwen2", () => {
  assert.deepEqual(words("qwen35", "e\u0301a"), ["e\u0301a"]);
  assert.deepEqual(words("qwen2", "e\u0301a"), ["e", "\u0301a"]);
});

test("the words of every pre-tokenizer make up the text again (fast-check)", () => {
  const text = fc.string({ unit: fc.constantFrom(..."aÉ中😀\u03011²'sS .!/\n\r\t\u0085\u3000\ufeff\u0000") });
  for (const name of preTokenizerNames)
    fc.assert(
      fc.property(text, (given) => assert.equal(words(name, given).join(""), given)),
      { numRuns: 50 },
    );
});

test("an unknown pre-tokenizer is an UnsupportedError that lists the known ones", () => {
  for (const name of ["no-such-pre", undefined])
    assert.throws(
      () => createPreTokenizer(name),
      (error: Error) => error instanceof UnsupportedError && /expected one of llama-bpe.*smollm/.test(error.message),
    );
});
