import assert from "node:assert/strict";
import { after, test } from "node:test";
import { loadTiny } from "../../../test/support/sessions.ts";
import { writeTinyModel } from "../../../test/support/tiny-model.ts";
import { defaultPlan } from "../../context/plan.ts";
import { UnsupportedError } from "../../runtime/errors.ts";
import type { Backend } from "../types.ts";
import { openEngineBackend } from "./engine.ts";

const path = await writeTinyModel("qwen2-q8_0");
const engine = await loadTiny("qwen2-q8_0");
after(() => engine.dispose());
const options = { engine, plan: defaultPlan, mode: "raw", path, version: "1" } as const;

function ask(backend: Backend, context: string, question: string) {
  const parts = { context, question };
  return backend.generate({ parts, maxTokens: 12, promptTokens: backend.promptTokens(parts) });
}

test("prompts that begin alike read the beginning once, and the answers are those of a session of their own", async () => {
  const context = "one two three four five six seven eight nine ten ".repeat(8);
  const questions = [
    "what comes after one?",
    "what comes after nine, and what before it?",
    "which number is the largest?",
  ];
  const shared = await openEngineBackend(options);
  const together = [];
  for (const question of questions) together.push(await ask(shared, context, question));
  await shared.dispose();
  for (const [i, question] of questions.entries()) {
    const alone = await openEngineBackend(options);
    const { text, usage } = await ask(alone, context, question);
    await alone.dispose();
    assert.equal(together[i].text, text);
    assert.equal(usage.cachedTokens, 0);
    assert.equal(together[i].usage.promptTokens, usage.promptTokens);
  }
  for (const { usage } of together.slice(1)) assert.ok(usage.cachedTokens >= 64, `${usage.cachedTokens} tokens shared`);
});

test("the fingerprint changes with the plan and the version, not with the mode", async () => {
  const fingerprint = async (changes: object) => {
    const backend = await openEngineBackend({ ...options, ...changes });
    await backend.dispose();
    return backend.fingerprint;
  };
  const base = await fingerprint({});
  assert.equal(await fingerprint({}), base);
  for (const changes of [
    { version: "2" },
    { plan: { ...defaultPlan, cache: { ...defaultPlan.cache, format: "f32" } } },
  ])
    assert.notEqual(await fingerprint(changes), base);
});

test("chat modes are refused for a model without a chat template", async () => {
  const plain = { ...engine, tokenizer: { ...engine.tokenizer, chatTemplate: undefined } };
  const opened = openEngineBackend({ ...options, engine: plain, mode: "chat+prefill" });
  await assert.rejects(opened, (error) => error instanceof UnsupportedError && /Pass --mode raw/.test(error.message));
});
