/** The contract with the openai package. What an answer says is held against the app without a port in src/server. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { DiskBlockStore } from "../../src/hub/block-store.ts";
import { temporaryFolder } from "../support/sessions.ts";
import { tinyServer } from "./tiny-server.ts";
import { asked, place, tools } from "./travel.ts";

const store = new DiskBlockStore(join(temporaryFolder(), "contexts"));
const tiny = await tinyServer({ store, contexts: store, maxRequests: 2 });
const { server } = tiny;
const baseURL = `${tiny.url}/v1`;
const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
after(() => tiny.close());

const greedy = { model: "tiny", temperature: 0, max_tokens: 8 };
const user = (content: string) => ({ role: "user" as const, content });
const long = "the sand and the wind, on and on, another shore in the west; ".repeat(8);
/** Runs until it is broken off. */
const endless = { ...greedy, max_tokens: 1400, ignore_eos: true };

test("chunks of a stream add up to the whole answer; usage comes last and says what was read before", async () => {
  const messages = [user(`${long}Who?`)];
  const whole = await client.chat.completions.create({ ...greedy, messages });
  const stream = await client.chat.completions.create({
    ...{ ...greedy, messages, stream: true as const },
    stream_options: { include_usage: true },
  });
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  assert.equal(chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join(""), whole.choices[0].message.content);
  assert.equal(chunks[0].choices[0].delta.role, "assistant");
  const { usage } = chunks[chunks.length - 1];
  assert.equal(usage?.prompt_tokens_details?.cached_tokens, whole.usage?.prompt_tokens);
  assert.equal(usage?.completion_tokens, whole.usage?.completion_tokens);
  assert.equal(new Set(chunks.map(({ id }) => id)).size, 1);
});

test("an abort in the middle of a stream ends the request; so does leaving the loop", async () => {
  const controller = new AbortController();
  const stream = await client.chat.completions.create(
    { ...endless, messages: [user("Who?")], stream: true as const },
    { signal: controller.signal },
  );
  for await (const chunk of stream) if (chunk.choices[0]?.delta.content) controller.abort();
  await tiny.idle();
  const left = await client.chat.completions.create({ ...endless, messages: [user("When?")], stream: true as const });
  for await (const chunk of left) if (chunk.choices[0]?.delta.content) break;
  await tiny.idle();
});

test("a client that gets 429 waits as long as it is told, and has its answer then", async () => {
  const controllers = [new AbortController(), new AbortController()];
  const running = controllers.map(({ signal }) =>
    client.chat.completions.create({ ...endless, messages: [user("Who?")] }, { signal }).catch(() => {}),
  );
  while (server.metrics.running < 2) await new Promise((done) => setTimeout(done, 5));
  await assert.rejects(client.chat.completions.create({ ...greedy, messages: [user("Hm?")] }), OpenAI.RateLimitError);
  const patient = new OpenAI({ baseURL, apiKey: "none", maxRetries: 1 });
  const start = performance.now();
  const asked = patient.chat.completions.create({ ...greedy, messages: [user("Hm?")] });
  setTimeout(() => {
    for (const controller of controllers) controller.abort();
  }, 200);
  assert.equal((await asked).object, "chat.completion");
  assert.ok(performance.now() - start >= 1000);
  await Promise.all(running);
});

test("a prompt that is too long is an error with OpenAI's code, whole and streamed, and is not tried again", async () => {
  const patient = new OpenAI({ baseURL, apiKey: "none", maxRetries: 2 });
  const messages = [user("word ".repeat(4000))];
  for (const stream of [false, true])
    await assert.rejects(patient.chat.completions.create({ ...greedy, messages, stream }), (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.equal(error.code, "context_length_exceeded");
      return /maximum context length is \d+ tokens/.test(error.message);
    });
});

test("models, completions of token ids, and errors of each kind come as the package's own types", async () => {
  assert.deepEqual(
    (await client.models.list()).data.map(({ id }) => id),
    ["tiny"],
  );
  assert.equal((await client.models.retrieve("tiny")).id, "tiny");
  const { choices } = await client.completions.create({ ...greedy, prompt: [100, 101, 102] });
  assert.equal(typeof choices[0].text, "string");
  await assert.rejects(client.models.retrieve("other"), OpenAI.NotFoundError);
  await assert.rejects(client.embeddings.create({ model: "other", input: "a" }), OpenAI.NotFoundError);
});

test("a required tool is called with arguments that fit; streamed fragments add up to the same", async () => {
  const { choices } = await client.chat.completions.create({ ...asked, tools, tool_choice: "required" });
  const [call] = choices[0].message.tool_calls ?? [];
  assert.ok(call?.type === "function" && call.function.name === "travel" && call.id);
  place.parse(JSON.parse(call.function.arguments));
  assert.equal(choices[0].finish_reason, "tool_calls");
  const stream = client.chat.completions.stream({ ...asked, tools, tool_choice: "required" });
  const [streamed] = (await stream.finalChatCompletion()).choices;
  const [same] = streamed.message.tool_calls ?? [];
  assert.equal(same.type === "function" && same.function.arguments, call.function.arguments);
  const answered = await client.chat.completions.create({
    ...asked,
    messages: [
      ...asked.messages,
      { role: "assistant", content: null, tool_calls: [call] },
      { role: "tool", tool_call_id: call.id, content: "There." },
    ],
    ...{ tools, max_tokens: 4 },
  });
  assert.equal(answered.object, "chat.completion");
});

test("a JSON schema is kept to, and parse() gives the object; log probabilities come for every token", async () => {
  const { choices } = await client.chat.completions.parse({
    ...asked,
    response_format: zodResponseFormat(place, "place"),
  });
  place.parse(choices[0].message.parsed);
  const { choices: told } = await client.chat.completions.create({
    ...{ ...asked, max_tokens: 5, logprobs: true, top_logprobs: 2 },
    ...{ ignore_eos: true },
  });
  const entries = told[0].logprobs?.content ?? [];
  assert.equal(entries.length, 5);
  for (const { logprob, bytes, top_logprobs: top } of entries) {
    assert.ok(logprob <= 0 && bytes && top.length === 2 && top[0].logprob >= top[1].logprob);
    assert.equal(top[0].logprob, logprob);
  }
});
