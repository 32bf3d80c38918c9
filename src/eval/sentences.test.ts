import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { splitSentences } from "./sentences.ts";

test("sentences end at full stops, question marks and closing quotes, not after titles, initials or abbreviations", () => {
  const sentences = [
    "Call me Ishmael.",
    "Who, e.g. a sailor, ain't a slave?",
    "\u201cTell me that!\u201d",
    "Mr. Coffin and J. R. Starbuck paid 3.5 dollars, i.e. too much.",
    "It stood at St. Helena vs. the U.S. fleet",
  ];
  assert.deepEqual(splitSentences(sentences.join(" ")), sentences);
});

test("white space is collapsed, and a text without words has no sentences", () => {
  assert.deepEqual(splitSentences("  One.\n\n Two\tthree.  "), ["One.", "Two three."]);
  assert.deepEqual(splitSentences(" \n"), []);
});

test("joined by single spaces, sentences are the text with its white space collapsed (300 random texts and a real one)", () => {
  const same = (text: string) =>
    assert.equal(splitSentences(text).join(" "), text.replace(/\s+/g, " ").trim(), JSON.stringify(text));
  same(readFileSync("test/golden/logits/text.txt", "utf8"));
  const piece = fc.constantFrom(
    "Mr.",
    "A.",
    "go",
    "Go",
    "3.5",
    "\u201cNo!\u201d",
    "x.Y",
    "?",
    "...",
    "\u3002",
    "\n",
    " ",
    "e.g.",
    "\u00a0",
  );
  fc.assert(
    fc.property(fc.array(piece), fc.constantFrom("", " "), (pieces, separator) => same(pieces.join(separator))),
    { numRuns: 300, seed: 1 },
  );
});
