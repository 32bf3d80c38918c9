/** Prompt lookup with a real model, where it is of most use. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { type GenerateOptions, load, parsePlan } from "../../src/index.ts";
import { editPrompt, editTokens } from "../support/edit-task.ts";
import { modelPath } from "../support/models.ts";

const engine = await load(await modelPath("qwen2.5-coder-0.5b"));
after(() => engine.dispose());

async function write(speculate: string, options: GenerateOptions = {}) {
  const session = await engine.session({ plan: parsePlan({ speculate }) });
  await session.prefill(editPrompt(engine));
  const ids: number[] = [];
  let text = "";
  const start = performance.now();
  for await (const token of session.generate({ maxTokens: editTokens, ...options })) {
    ids.push(token.tokenId);
    text += token.text;
  }
  const speed = ids.length / ((performance.now() - start) / 1000);
  const { speculation: counts } = session;
  await session.dispose();
  return { ids, text, speed, counts };
}

test("a function of 60 lines repeated with one change: the same answer, at least half of its tokens from right guesses", async () => {
  const one = await write("none");
  const guessed = await write("prompt-lookup");
  assert.match(one.text, /separator = options\.separator \?\? ";"/);
  assert.deepEqual(guessed.ids, one.ids);
  assert.ok(guessed.counts && one.ids.length > 300);
  const { steps, drafted, accepted } = guessed.counts;
  const speeds = `${one.speed.toFixed(1)} and ${guessed.speed.toFixed(1)} tokens/s`;
  console.log(`${one.ids.length} tokens in ${steps} steps, ${accepted} of ${drafted} guesses right; ${speeds}`);
  assert.ok(accepted >= one.ids.length / 2, `${accepted} of ${one.ids.length}`);
});

test("sampled with a seed, penalties and log probabilities, it is the same answer too", async () => {
  const options = { temperature: 0.8, topP: 0.9, seed: 7, frequencyPenalty: 0.1, logProbs: 2, maxTokens: 120 };
  const [one, guessed] = [await write("none", options), await write("prompt-lookup", options)];
  assert.deepEqual(guessed.ids, one.ids);
  assert.ok(guessed.counts && guessed.counts.accepted > 20, JSON.stringify(guessed.counts));
});
