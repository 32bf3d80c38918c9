import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readCacheGolden } from "../../../test/support/cache-golden.ts";
import { randomFloats } from "../../../test/support/random.ts";
import { mergeDropped } from "./merging.ts";

test("merged values differ from kvpress's MergingPress (key norm, half kept) by at most 2e-6", () => {
  for (const name of ["qwen2-random", "qwen3-random"] as const) {
    const golden = readCacheGolden(name);
    const { headDim } = golden.model;
    const keys = golden.tensor("layer0.keys");
    const values = golden.tensor("layer0.values");
    const press = golden.presses.get("knorm")?.layers.get(0) ?? assert.fail("knorm");
    const half = press.ratios.find(({ ratio }) => ratio === 0.5) ?? assert.fail("0.5");
    // Layer 0: [KV heads][kept][headDim], rows in ascending position.
    const { buffer } = Uint8Array.from(readFileSync(`test/golden/kvpress/${name}-merging.bin`));
    const expected = new Float32Array(buffer);
    const merged = half.kept.map((kept, head) =>
      mergeDropped({ keys: keys[head], values: values[head], headDim, kept }),
    );
    assert.equal(expected.length, merged[0].length * merged.length);
    merged.forEach((rows, head) => {
      rows.forEach((value, at) => {
        const difference = Math.abs(value - expected[head * rows.length + at]);
        assert.ok(difference <= 2e-6, `${name} head ${head} at ${at}: ${value}, off by ${difference}`);
      });
    });
  }
});

test("nothing dropped: the values are the same bit for bit, negative zeros too", () => {
  const [keys, values] = [randomFloats(40 * 8, 1), randomFloats(40 * 8, 2)];
  values[5] = -0;
  const kept = Int32Array.from({ length: 40 }, (_, slot) => slot);
  assert.deepEqual(mergeDropped({ keys, values, headDim: 8, kept }), values);
});

test("a twin takes half of a value as long as its own, the earlier of two, and none that is farther than `neighbours`", () => {
  // Slot 3 goes; slots 0 and 5 have its key but for the length, those between are orthogonal or opposite to it.
  const keys = Float32Array.from([0, 2, 1, 0, 1, 0, 0, 1, 0, -1, 0, 2]);
  const values = Float32Array.from([3, 0, 1, 1, 1, 1, 0, 3, 1, 1, 3, 0]);
  const merged = (neighbours: number, kept: number[]) =>
    Array.from(mergeDropped({ keys, values, headDim: 2, kept: Int32Array.from(kept), neighbours }), (value) =>
      Number(value.toFixed(5)),
    );
  assert.deepEqual(merged(3, [0, 1, 2, 4, 5]), [2, 1, 1, 1, 1, 1, 1, 1, 3, 0]);
  assert.deepEqual(merged(2, [0, 1, 2, 4, 5]), [3, 0, 1, 1, 1, 1, 1, 1, 2, 1]);
  assert.deepEqual(merged(1, [0, 1, 2, 4, 5]), [3, 0, 1, 1, 1, 1, 1, 1, 3, 0]);
});
