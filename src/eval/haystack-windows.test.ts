import assert from "node:assert/strict";
import { test } from "node:test";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { builtInHaystack } from "./haystack.ts";
import { haystackWindows } from "./haystack-windows.ts";

/** A token a letter, so that texts are longer than asked for and have to be cut. */
const letters = { encode: (text: string) => [...text].map((letter) => letter.codePointAt(0)) } as unknown as Tokenizer;

test("both haystacks take turns, each from its beginning and then evenly on, every text of the length asked for", () => {
  const windows = haystackWindows(letters, 5, 30);
  const places: [string, number][] = [
    ["speeches", 0],
    ["moby-dick", 0],
    ["speeches", 1 / 3],
    ["moby-dick", 1 / 2],
    ["speeches", 2 / 3],
  ];
  const expected = places.map(([name, share]) => {
    const haystack = builtInHaystack(name);
    return haystack.words(30, Math.floor(haystack.wordCount * share)).slice(0, 30);
  });
  assert.deepEqual(
    windows.map((window) => String.fromCodePoint(...window)),
    expected,
  );
});
