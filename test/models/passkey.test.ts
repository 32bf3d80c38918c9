/** Finding a number in a long text. All ten depths at 8,000 tokens: node bench/passkey.js */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { load } from "../../src/index.ts";
import { modelPath } from "../support/models.ts";
import { depths, type PasskeyResult, runPasskey } from "../support/passkey.ts";

const engine = await load(await modelPath("qwen2.5-coder-0.5b"));
after(() => engine.dispose());

async function run(length: number, chosen: readonly number[]): Promise<PasskeyResult[]> {
  const results: PasskeyResult[] = [];
  for (const depth of chosen) results.push(await runPasskey(engine, length, depth));
  for (const { promptTokens } of results) assert.ok(Math.abs(promptTokens - length) < 20, `${promptTokens} tokens`);
  return results;
}

function missed(results: PasskeyResult[]): string[] {
  return results.filter(({ isFound }) => !isFound).map(({ depth, key, answer }) => `${depth}: ${key}, got "${answer}"`);
}

test("a pass key at ten depths of 2,000 tokens is found at least nine times", async () => {
  const wrong = missed(await run(2000, depths));
  assert.ok(wrong.length <= 1, wrong.join("; "));
});

test("a pass key near the beginning and near the middle of 8,000 tokens is found both times", async () => {
  assert.deepEqual(missed(await run(8000, [depths[1], depths[5]])), []);
});
