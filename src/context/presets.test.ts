import assert from "node:assert/strict";
import { test } from "node:test";
import { presets } from "./presets.ts";
import { selects } from "./reading-plan.ts";

test("fast selects of prompts of 24,576 tokens and more, and reads shorter ones as balanced does", () => {
  const { fast, balanced } = presets;
  assert.deepEqual(
    [24_575, 24_576].map((tokens) => selects(fast.plan, tokens)),
    [false, true],
  );
  const { select, ...prefill } = fast.plan.prefill;
  assert.ok(select);
  assert.deepEqual({ ...fast.plan, prefill }, balanced.plan);
});
