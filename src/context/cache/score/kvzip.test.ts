import assert from "node:assert/strict";
import { test } from "node:test";
import { goldenView, largestDifference, readCacheGolden } from "../../../../test/support/cache-golden.ts";
import { highest } from "../allocation/highest.ts";
import { kvzip, REPEAT_TOKENS, repeatParts } from "./kvzip.ts";

test("kvzip: scores beyond the sinks differ by at most 2e-6 of the score or of the median, and the sinks are highest", () => {
  const golden = readCacheGolden("qwen2-random");
  for (const layer of golden.layers) {
    const scores = kvzip.score(goldenView(golden, layer, { budget: 100 }), { method: "kvzip" });
    const expected = golden.presses.get("kvzip")?.layers.get(layer)?.scores ?? assert.fail("kvzip");
    const beyond = (rows: readonly Float32Array[]) => rows.map((row) => row.subarray(4));
    const difference = largestDifference(beyond(scores), beyond(expected));
    assert.ok(difference <= 2e-6, `layer ${layer}: ${difference}`);
    for (const row of scores) assert.deepEqual([...highest(row, 4)], [0, 1, 2, 3]);
  }
});

test("a text is repeated in parts that cover it once; each but the first is introduced by the eight tokens before it", () => {
  const parts = repeatParts(5, 5 + 2 * REPEAT_TOKENS + 1);
  assert.deepEqual(
    parts.map(({ lead, start, end }) => [lead, start, end]),
    [
      [5, 5, 2053],
      [2045, 2053, 4101],
      [4093, 4101, 4102],
    ],
  );
  assert.equal(parts[0].instruction, "\n\nRepeat the previous context exactly.");
  for (const { instruction } of parts.slice(1))
    assert.equal(instruction, "\n\nRepeat the part of the previous context exactly, starting with");
  assert.deepEqual(repeatParts(3, 3), []);
});
