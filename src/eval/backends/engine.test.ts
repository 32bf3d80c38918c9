import assert from "node:assert/strict";
import { after, test } from "node:test";
import { loadTiny, textOf } from "../../../test/support/sessions.ts";
import { writeTinyModel } from "../../../test/support/tiny-model.ts";
import { defaultPlan, parsePlan } from "../../context/plan.ts";
import { UnsupportedError } from "../../runtime/errors.ts";
import { renderParts } from "../prompt.ts";
import type { Backend, Generation } from "../types.ts";
import { type EngineBackendOptions, openEngineBackends } from "./engine.ts";

const path = await writeTinyModel("qwen2-q8_0");
const engine = await loadTiny("qwen2-q8_0");
after(() => engine.dispose());
const options = { engine, plans: [defaultPlan], mode: "raw", path, version: "1" } as const;

async function openEngineBackend(changes: Partial<EngineBackendOptions> = {}): Promise<Backend> {
  const [backend] = await openEngineBackends({ ...options, ...changes });
  return backend;
}

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
  const shared = await openEngineBackend();
  const together = [];
  for (const question of questions) together.push(await ask(shared, context, question));
  await shared.dispose();
  for (const [i, question] of questions.entries()) {
    const alone = await openEngineBackend();
    const { text, usage } = await ask(alone, context, question);
    await alone.dispose();
    assert.equal(together[i].text, text);
    assert.equal(usage.cachedTokens, 0);
    assert.equal(together[i].usage.promptTokens, usage.promptTokens);
  }
  for (const { usage } of together.slice(1)) assert.ok(usage.cachedTokens >= 64, `${usage.cachedTokens} tokens shared`);
});

test("plans that drop after reading share one reading, and answer as in sessions of their own", async () => {
  const dropping = { sinks: 4, window: 20, budget: 60 };
  const plans = [
    defaultPlan,
    ...["key-diff", "snapkv", "attention-sum"].map((score) => parsePlan({ cache: { score, ...dropping } })),
    parsePlan({ cache: { score: "key-diff", schedule: "streaming", ...dropping } }),
  ];
  const contexts = ["one two three four five ", "one two three five four "].map((text) => text.repeat(9));
  const together = await openEngineBackends({ ...options, plans });
  const answers: Generation[][] = [];
  for (const context of contexts) {
    const row: Generation[] = [];
    for (const backend of together) row.push(await ask(backend, context, "which is the largest?"));
    answers.push(row);
  }
  for (const backend of together) await backend.dispose();
  for (const [p, plan] of plans.entries())
    for (const [i, context] of contexts.entries()) {
      const session = await engine.session({ plan });
      await session.prefill(renderParts(engine.tokenizer, { context, question: "which is the largest?" }, "raw"));
      assert.equal(answers[i][p].text, await textOf(session, { maxTokens: 12 }), JSON.stringify(plan.cache));
      assert.equal(answers[i][p].usage.cacheBytes, (await session.memory()).cacheBytes);
      await session.dispose();
    }
  const { promptTokens } = answers[0][0].usage;
  assert.deepEqual(
    answers[1].slice(1).map(({ usage }) => usage.cachedTokens),
    [promptTokens, promptTokens, promptTokens, 0],
  );
  assert.ok(answers[1][0].usage.cachedTokens < promptTokens);
  assert.ok((answers[0][1].usage.cacheBytes ?? 0) < (answers[0][0].usage.cacheBytes ?? 0));
});

test("under a selection that keeps what waits, questions about one text share its reading, alone or with plans that drop, and answer as in sessions of their own", async () => {
  const select = { method: "fastkv", layer: 2, window: 8, keep: 128, least: 200 };
  const plans = [
    parsePlan({ prefill: { select } }),
    parsePlan({
      prefill: { select },
      cache: { score: { method: "snapkv", window: 8, kernel: 5 }, budget: 64, sinks: 0, window: 8 },
    }),
  ];
  const backends = await openEngineBackends({ ...options, plans });
  const context = "one two three four five ".repeat(16);
  const asked = [
    ["which is the largest?", context],
    ["what comes after three, and what before it?", context],
    ["which?", "one two "],
    ["what comes after one?", "one two three four five ".repeat(15)],
  ];
  for (const [i, [question, text]] of asked.entries())
    for (const [p, backend] of backends.entries()) {
      const { text: answer, usage } = await ask(backend, text, question);
      const session = await engine.session({ plan: plans[p] });
      await session.prefill(renderParts(engine.tokenizer, { context: text, question }, "raw"));
      assert.equal(answer, await textOf(session, { maxTokens: 12 }), `question ${i} under plan ${p}`);
      await session.dispose();
      if (p === 1) assert.equal(usage.cachedTokens, usage.promptTokens);
      else assert.equal(usage.cachedTokens > 100, i === 1, `${usage.cachedTokens} of ${usage.promptTokens}`);
    }
  for (const backend of backends) await backend.dispose();
});

test("the fingerprint changes with the plan and the version, not with the mode", async () => {
  const fingerprint = async (changes: object) => {
    const backend = await openEngineBackend(changes);
    await backend.dispose();
    return backend.fingerprint;
  };
  const base = await fingerprint({});
  assert.equal(await fingerprint({}), base);
  for (const changes of [{ version: "2" }, { plans: [parsePlan({ cache: { format: "f32" } })] }])
    assert.notEqual(await fingerprint(changes), base);
});

test("chat modes are refused for a model without a chat template", async () => {
  const plain = { ...engine, tokenizer: { ...engine.tokenizer, chatTemplate: undefined } };
  const opened = openEngineBackend({ engine: plain, mode: "chat+prefill" });
  await assert.rejects(opened, (error) => error instanceof UnsupportedError && /Pass --mode raw/.test(error.message));
});

test("with a store, another program that runs the same prompts reads less than 64 tokens and 64 more of each, and answers alike", async () => {
  const blocks = new Map<string, Uint8Array>();
  const store = {
    get: async (key: string) => blocks.get(key),
    put: async (key: string, payload: Uint8Array) => void blocks.set(key, payload),
  };
  const contexts = ["one two three ", "four five six "].map((text) => text.repeat(20));
  const run = async (changes: Partial<EngineBackendOptions>) => {
    const backend = await openEngineBackend(changes);
    const answers: Generation[] = [];
    for (const context of contexts) answers.push(await ask(backend, context, "which is the largest?"));
    await backend.dispose();
    return answers;
  };
  const alone = await run({});
  const first = await run({ store });
  const second = await run({ store });
  for (const [i, { text, usage }] of alone.entries()) {
    assert.equal(first[i].text, text);
    assert.equal(second[i].text, text);
    assert.equal(first[i].usage.cachedTokens, 0);
    assert.ok(usage.promptTokens - second[i].usage.cachedTokens < 128, `${second[i].usage.cachedTokens} cached`);
  }
});
