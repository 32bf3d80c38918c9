import assert from "node:assert/strict";
import { test } from "node:test";
import { presets } from "./presets.ts";
import { selects } from "./reading-plan.ts";

test("fast selects of prompts of 12,288 tokens and more, and reads shorter ones as balanced does", () => {
  const { fast, balanced } = presets;
  assert.deepEqual(
    [12_287, 12_288].map((tokens) => selects(fast.plan, tokens)),
    [false, true],
  );
  const { select, ...prefill } = fast.plan.prefill;
  assert.ok(select);
  assert.deepEqual({ ...fast.plan, prefill }, balanced.plan);
});
