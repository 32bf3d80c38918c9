import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../../test/support/random.ts";
import { testHost } from "../../test/support/sessions.ts";
import { writeTinyModel } from "../../test/support/tiny-model.ts";
import { parsePlan } from "../context/plan.ts";
import { readGguf } from "../formats/gguf.ts";
import { readModelConfig } from "../model/config.ts";
import { Controller } from "./controller.ts";
import type { Sampled } from "./log-probs.ts";

/** In this thread, with a session that has read 40 tokens, and another. */
async function loadController(model: string): Promise<{ controller: Controller; first: Sampled }> {
  const path = await writeTinyModel(model);
  const file = testHost().openFile(path);
  const gguf = readGguf(file);
  file.close();
  const params = { path, tensors: gguf.tensors, config: readModelConfig(gguf), threads: 1, chunk: 512 };
  const controller = await Controller.load(testHost(), params, () => {});
  const begun = [1, 2].map((session) => {
    controller.open({ session, plan: parsePlan({}) });
    const tokenIds = Int32Array.from({ length: 40 }, (_, i) => (i * i) % 250);
    controller.prefill({ session, tokenIds, tokensAfter: 0, all: false });
    const options = { temperature: 1, frequencyPenalty: 0.5, seed: 1 };
    return controller.begin({ session, options, logProbs: 5 });
  });
  assert.ok(begun.every(({ canRunAhead }) => canRunAhead));
  return { controller, first: begun[0].first };
}

for (const model of ["qwen2-q8_0", "gemma3-f16"])
  test(`${model}: 300 sampled tokens with penalties, guessed with any number of right tokens before a wrong one, are those of single steps with the same log probabilities, bit for bit`, async () => {
    const { controller, first } = await loadController(model);
    const tokens = [first];
    for (let n = 0; n < 300; n++) {
      const { tokenId } = tokens[n];
      const [{ next, drafted }] = controller.step({ steps: [{ session: 1, tokenId }] });
      assert.deepEqual([next.length, drafted], [1, 0]);
      tokens.push(next[0]);
    }
    const pick = random(2);
    const below = (n: number) => Math.floor(pick() * n);
    let [right, wrong] = [0, 0];
    for (let at = 0; at < 260; ) {
      const guessed = tokens.slice(at + 1, at + 1 + below(31)).map(({ tokenId }) => tokenId);
      const other = (tokens[at + 1 + guessed.length].tokenId + 1) % 250;
      const draft = [...guessed, ...Array<number>(1 + below(31 - guessed.length)).fill(other)];
      const { tokenId } = tokens[at];
      const [{ next, drafted }] = controller.step({ steps: [{ session: 2, tokenId, draft }] });
      assert.deepEqual(next, tokens.slice(at + 1, at + 1 + next.length), `after ${40 + at} tokens`);
      assert.equal(next.length, 1 + Math.min(guessed.length, drafted));
      right += next.length - 1;
      wrong += drafted - (next.length - 1);
      at += next.length;
    }
    assert.ok(right > 100 && wrong > 60, `${right} right, ${wrong} wrong`);
    await controller.stop();
  });

test("a step back gives the logits after any of the tokens that were computed ahead", async () => {
  const { controller, first } = await loadController("qwen2-q8_0");
  const next = [first];
  for (let n = 0; n < 9; n++)
    next.push(controller.step({ steps: [{ session: 1, tokenId: next[n].tokenId }] })[0].next[0]);
  const ids = next.map(({ tokenId }) => tokenId);
  controller.begin({ session: 2, options: { temperature: 1, frequencyPenalty: 0.5, seed: 1 } });
  const [{ next: ahead }] = controller.step({ steps: [{ session: 2, tokenId: ids[0], draft: ids.slice(1, 9) }] });
  assert.equal(ahead.length, 9);
  for (let tokens = 8; tokens > 0; tokens--) {
    controller.stepBack({ session: 2, length: 40 + tokens, tokenId: ids[tokens - 1] });
    const { first } = controller.begin({ session: 2, options: {}, logProbs: 5 });
    assert.deepEqual(first.top, next[tokens].top, `after ${tokens} tokens`);
  }
  await controller.stop();
});
