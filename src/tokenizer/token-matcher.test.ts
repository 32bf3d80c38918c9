import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenMatcher } from "./token-matcher.ts";

function split(tokens: string[], text: string): (string | number)[] {
  const parts: (string | number)[] = [];
  new TokenMatcher(tokens.map((token, id) => [token, id] as const)).split(
    text,
    (plain) => parts.push(plain),
    (id) => parts.push(id),
  );
  return parts;
}

test("the longest token at a place wins, from left to right", () => {
  assert.deepEqual(split(["\n", "\n\n", "\n\n\n"], "a\n\n\n\nb"), ["a", 2, 0, "b"]);
});

test("an unfinished token is text, and a token right after it is found", () => {
  assert.deepEqual(split(["<|end|>"], "<|en<|end|><|end|"), ["<|en", 0, "<|end|"]);
});

test("a longer token that fails in its middle does not hide the shorter one", () => {
  assert.deepEqual(split(["<a>", "<a><b>"], "<a><c>"), [0, "<c>"]);
});

test("without tokens, or with an empty one, a text stays whole", () => {
  assert.deepEqual(split([], "text"), ["text"]);
  assert.deepEqual(split([""], "text"), ["text"]);
  assert.deepEqual(split(["x"], ""), []);
});
