import assert from "node:assert/strict";
import { test } from "node:test";
import { benchTokens } from "./bench.ts";

test("bench tokens are the documented sequence, and lie inside small vocabularies too", () => {
  assert.deepEqual(benchTokens(4, 150_000), Int32Array.of(1000, 8919, 16_838, 4757));
  for (const vocabularySize of [3, 275, 1500, 32_000])
    assert.ok(benchTokens(10_000, vocabularySize).every((id) => id >= 0 && id < vocabularySize));
});
