import assert from "node:assert/strict";
import { test } from "node:test";
import { raiseForced } from "./forced.ts";
import { pool } from "./pooling.ts";

test("mean pooling divides by the kernel at the edges too", () => {
  assert.deepEqual(pool(Float32Array.of(3, 6, 9, 12), 3, "mean"), Float32Array.of(3, 6, 9, 7));
  assert.deepEqual(pool(Float32Array.of(5), 5, "mean"), Float32Array.of(1));
});

test("max pooling takes the highest within half a kernel on both sides", () => {
  assert.deepEqual(pool(Float32Array.of(1, 0, 0, 0, 2, 0), 5, "max"), Float32Array.of(1, 1, 2, 2, 2, 2));
});

test("a kernel of 1 changes nothing, and nothing is pooled to nothing", () => {
  const values = Float32Array.of(0.5, 0.25, 0);
  for (const pooling of ["mean", "max"] as const) {
    assert.deepEqual(pool(values, 1, pooling), values);
    assert.deepEqual(pool(new Float32Array(0), 5, pooling), new Float32Array(0));
  }
});

test("forced slots score one more than the layer's highest, whichever head has it", () => {
  const scores = [Float32Array.of(0.25, 9), Float32Array.of(0.5, 0, 9)];
  const raised = raiseForced(scores, (kvHead, slot) => slot === [1, 2][kvHead]);
  assert.deepEqual(raised, [Float32Array.of(0.25, 1.5), Float32Array.of(0.5, 0, 1.5)]);
});

test("where every slot is forced all score the same", () => {
  assert.deepEqual(
    raiseForced([new Float32Array(2)], () => true),
    [Float32Array.of(1, 1)],
  );
});
