/** Tools and formats with a real model, as clients ask for them. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import OpenAI from "openai";
import { defaultPlan } from "../../src/context/plan.ts";
import { load } from "../../src/index.ts";
import { createApp } from "../../src/server/app.ts";
import { listen } from "../../src/server/serve.ts";
import { modelPath } from "../support/models.ts";

const name = "qwen2.5-coder-0.5b";
const engine = await load(await modelPath(name));
const server = createApp({ engine, name, version: "0", plan: defaultPlan, cacheBytes: 1e9, maxRequests: 4 });
const { url, stop } = await listen(server, { host: "127.0.0.1", port: 0 });
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
after(async () => {
  await stop();
  await engine.dispose();
});

const tools: OpenAI.ChatCompletionTool[] = [
  {
    type: "function",
    function: {
      name: "get_weather",
      description: "Get the current weather of a city",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  },
];
const asked = {
  model: name,
  ...{ temperature: 0, max_tokens: 80, tools },
  messages: [{ role: "user" as const, content: "What is the weather in Paris?" }],
};

for (const tool_choice of ["auto", "required"] as const)
  test(`${tool_choice}: the weather tool is called with Paris, whole and streamed, and its result is answered`, async () => {
    const whole = await client.chat.completions.create({ ...asked, tool_choice, parallel_tool_calls: false });
    const [{ message, finish_reason: reason }] = whole.choices;
    const [call] = message.tool_calls ?? [];
    assert.ok(call?.type === "function", JSON.stringify(message));
    assert.deepEqual([reason, call.function.name], ["tool_calls", "get_weather"]);
    assert.match(JSON.parse(call.function.arguments).city, /Paris/);

    const stream = client.chat.completions.stream({ ...asked, tool_choice, parallel_tool_calls: false });
    const final = await stream.finalChatCompletion();
    const [streamed] = final.choices[0].message.tool_calls ?? [];
    assert.ok(streamed.type === "function");
    const { name, arguments: given } = streamed.function;
    assert.deepEqual({ name, arguments: given }, call.function);
    assert.equal(final.choices[0].message.content, message.content);

    const result = { role: "tool" as const, tool_call_id: call.id, content: '{"temperature": 31, "sky": "clear"}' };
    const messages = [...asked.messages, message, result];
    const { choices } = await client.chat.completions.create({ ...asked, messages, max_tokens: 60 });
    assert.match(choices[0].message.content ?? "", /31/);
  });

test("json_schema: the answer parses, fits, and says what was asked", async () => {
  const properties = { name: { type: "string" }, age: { type: "integer", minimum: 0, maximum: 120 } };
  const schema = { type: "object", properties, required: ["name", "age"], additionalProperties: false };
  const { choices } = await client.chat.completions.create({
    ...{ model: name, temperature: 0, max_tokens: 60 },
    messages: [{ role: "user", content: "Anna is 34 years old. Give her name and age as JSON." }],
    response_format: { type: "json_schema", json_schema: { name: "person", schema, strict: true } },
  });
  assert.equal(choices[0].finish_reason, "stop");
  assert.deepEqual(JSON.parse(choices[0].message.content ?? ""), { name: "Anna", age: 34 });
});

test("a gap in code is filled with what belongs there", async () => {
  const { choices } = await client.completions.create({
    ...{ model: name, temperature: 0, max_tokens: 12, stop: "\n" },
    prompt: "def add(a, b):\n    return ",
    suffix: "\n\nprint(add(1, 2))\n",
  });
  assert.match(choices[0].text, /^a \+ b/);
});
