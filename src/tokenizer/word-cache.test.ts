import assert from "node:assert/strict";
import { test } from "node:test";
import { IdBuffer } from "./id-buffer.ts";
import { WordCache } from "./word-cache.ts";

function lookUp(cache: WordCache, text: string, start = 0, end = text.length): number[] | undefined {
  const out = new IdBuffer();
  return cache.copy(text, start, end, out) ? [...out.toArray()] : undefined;
}

test("a stored word is found wherever it stands, and only that word", () => {
  const cache = new WordCache();
  assert.equal(lookUp(cache, "whale"), undefined);
  cache.store("whale", 0, 5, Int32Array.of(7, 8, 9), 2);
  assert.deepEqual(lookUp(cache, "a whale", 2, 7), [7, 8]);
  assert.equal(lookUp(cache, "whales"), undefined);
  assert.equal(lookUp(cache, "whala"), undefined);
});

test("200,000 words pass through: none is ever mistaken for another, and the latest are there", () => {
  const cache = new WordCache();
  let hits = 0;
  for (let i = 0; i < 200_000; i++) {
    const word = `word${i}`;
    assert.equal(lookUp(cache, word), undefined);
    cache.store(word, 0, word.length, Int32Array.of(i), 1);
    const earlier = i - 100;
    const found = earlier < 0 ? undefined : lookUp(cache, `word${earlier}`);
    if (found !== undefined) assert.deepEqual(found, [earlier]);
    if (found !== undefined) hits++;
  }
  assert.ok(hits > 190_000, `${hits} of 200,000 found`);
});

test("a word of more than 64 units is not kept", () => {
  const cache = new WordCache();
  const word = "x".repeat(65);
  assert.equal(lookUp(cache, word), undefined);
  cache.store(word, 0, word.length, Int32Array.of(1), 1);
  assert.equal(lookUp(cache, word), undefined);
});
