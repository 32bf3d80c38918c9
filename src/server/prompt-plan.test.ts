/** Which plan a prompt is read with, where the server is told to take another one for short prompts. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { loadTiny } from "../../test/support/sessions.ts";
import { defaultPlan, type Plan, parsePlan } from "../context/plan.ts";
import type { Engine } from "../engine/types.ts";
import { createApp } from "./app.ts";

const engine = await loadTiny("qwen2-q8_0");

const asked = { prefill: { method: "block-sparse", denseBelow: 64 } };
const read: Plan[] = [];
const kept: Plan[] = [];
const watched: Engine = {
  ...engine,
  session(options) {
    read.push(options?.plan ?? defaultPlan);
    return engine.session(options);
  },
  textKeys(ids, plan) {
    kept.push(plan ?? defaultPlan);
    return engine.textKeys(ids, plan);
  },
};
const { app, stop } = createApp({
  ...{ engine: watched, name: "tiny", version: "0", plan: defaultPlan, cacheBytes: 1e9, maxRequests: 4 },
  promptPlan: (plan, promptTokens) => (promptTokens < 400 ? { ...plan, prefill: { method: "full" } } : plan),
});
after(() => stop().then(() => engine.dispose()));

async function post(path: string, body: object): Promise<number> {
  const request = { model: "tiny", max_tokens: 2, long_context: asked, ...body };
  const response = await app.request(path, { method: "POST", body: JSON.stringify(request) });
  const { usage, error } = await response.json();
  assert.equal(response.status, 200, JSON.stringify(error));
  return usage.prompt_tokens ?? usage.input_tokens + (usage.cache_read_input_tokens ?? 0);
}

test("each prompt is read with the plan for its own length, on all routes that take a plan", async () => {
  for (const [path, bodyOf] of [
    ["/v1/completions", (text: string) => ({ prompt: text })],
    ["/v1/chat/completions", (text: string) => ({ messages: [{ role: "user", content: text }] })],
    ["/v1/messages", (text: string) => ({ messages: [{ role: "user", content: text }] })],
  ] as const)
    for (const [times, plan] of [
      [2, parsePlan({})],
      [60, parsePlan(asked)],
    ] as const) {
      read.length = 0;
      const tokens = await post(path, bodyOf(`${path} ${"the sand and the wind ".repeat(times)}`));
      assert.equal(tokens < 400, times === 2, `${tokens} tokens`);
      assert.deepEqual(read, [plan], path);
    }
});

test("what a message marks is kept as the whole prompt was read, though it is shorter", async () => {
  const marked = (text: string) => ({ type: "text", text, cache_control: { type: "ephemeral" } });
  for (const [times, plan] of [
    [2, parsePlan({})],
    [60, parsePlan(asked)],
  ] as const) {
    kept.length = 0;
    const content = [marked("Once upon a time "), { type: "text", text: "the sand and the wind ".repeat(times) }];
    await post("/v1/messages", { messages: [{ role: "user", content }] });
    assert.deepEqual(kept, [plan]);
  }
});
