/** The server as clients see it: OpenAI's own over a port, and bare requests. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import OpenAI from "openai";
import { loadTiny, temporaryFolder, textOf } from "../../test/support/sessions.ts";
import { defaultPlan, parsePlan } from "../context/plan.ts";
import { DiskBlockStore } from "../hub/block-store.ts";
import { renderChat } from "../tokenizer/chat-template.ts";
import { createApp, type ServerOptions } from "./app.ts";
import { listen } from "./serve.ts";

const engine = await loadTiny("qwen2-q8_0");
const failures: unknown[] = [];
const base: ServerOptions = {
  engine,
  name: "tiny",
  version: "0",
  plan: defaultPlan,
  cacheBytes: 1e9,
  maxRequests: 40,
  onError: (error) => failures.push(error),
};
const server = createApp(base);
const { url, stop } = await listen(server, { host: "127.0.0.1", port: 0 });
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
after(async () => {
  await stop();
  await engine.dispose();
  assert.deepEqual(failures, []);
});

const long = "the sand and the wind, on and on, another shore in the west; ".repeat(8);
const messages = [{ role: "user" as const, content: `${long}Where is the shore?` }];
const greedy = { model: "tiny", temperature: 0, max_tokens: 12 };

async function expected(content: string, plan = defaultPlan, maxTokens = 12): Promise<string> {
  const session = await engine.session({ plan });
  await session.prefill(renderChat(engine.tokenizer, [{ role: "user", content }]));
  const text = await textOf(session, { maxTokens });
  await session.dispose();
  return text;
}

test("openai: an answer, whole and streamed, is what a session of its own writes; the second has the prompt from the first", async () => {
  const text = await expected(messages[0].content);
  const whole = await client.chat.completions.create({ ...greedy, messages });
  assert.equal(whole.choices[0].message.content, text);
  assert.equal(whole.object, "chat.completion");
  const stream = await client.chat.completions.create({
    ...{ ...greedy, messages, stream: true as const },
    stream_options: { include_usage: true },
  });
  let streamed = "";
  let last: OpenAI.ChatCompletionChunk | undefined;
  const reasons: unknown[] = [];
  for await (const chunk of stream) {
    streamed += chunk.choices[0]?.delta.content ?? "";
    if (chunk.choices[0]?.finish_reason) reasons.push(chunk.choices[0].finish_reason);
    last = chunk;
  }
  assert.equal(streamed, text);
  assert.deepEqual(reasons, [whole.choices[0].finish_reason]);
  assert.deepEqual(last?.choices, []);
  const { usage } = whole;
  assert.equal(usage?.prompt_tokens_details?.cached_tokens, 0);
  assert.deepEqual(last?.usage, {
    ...usage,
    prompt_tokens_details: { cached_tokens: usage?.prompt_tokens },
  });
});

test("16 streams at once that begin alike: one reading of the common beginning in all, and each answer is its own", async () => {
  const common = `${"a lighthouse keeper writes a letter every evening; ".repeat(20)}`;
  const before = { ...server.metrics };
  const contents = Array.from({ length: 16 }, (_, i) => `${common}Question ${i}: who writes?`);
  const answers = await Promise.all(
    contents.map((content) => client.chat.completions.create({ ...greedy, messages: [{ role: "user", content }] })),
  );
  for (const [i, answer] of answers.entries())
    assert.equal(answer.choices[0].message.content, await expected(contents[i]), `${i}`);
  const tokens = server.metrics.promptTokens - before.promptTokens;
  const cached = server.metrics.cachedTokens - before.cachedTokens;
  assert.ok(tokens - cached < (tokens / 16) * 3, `${tokens - cached} of ${tokens} tokens were read`);
});

test("after a restart all full blocks of a prompt are there, and the answer is the same", async () => {
  const store = new DiskBlockStore(join(temporaryFolder(), "contexts"));
  const ask = async () => {
    const { app, stop } = createApp({ ...base, store });
    const response = await app.request("/v1/chat/completions", {
      method: "POST",
      body: JSON.stringify({ ...greedy, messages }),
    });
    const { usage, choices } = (await response.json()) as OpenAI.ChatCompletion;
    await stop();
    return { usage, text: choices[0].message.content };
  };
  const [first, second] = [await ask(), await ask()];
  assert.equal(second.text, first.text);
  const promptTokens = first.usage?.prompt_tokens ?? 0;
  assert.ok(promptTokens > 128);
  assert.equal(second.usage?.prompt_tokens_details?.cached_tokens, 64 * Math.floor((promptTokens - 9) / 64));
});

test("n answers with seeds of their own; the same seed gives the same; plain completions take text and token ids", async () => {
  const drawn = { ...greedy, temperature: 1.5, messages, seed: 5 };
  const [a, b] = [
    await client.chat.completions.create({ ...drawn, n: 3 }),
    await client.chat.completions.create({ ...drawn, n: 3 }),
  ];
  const texts = a.choices.map(({ message }) => message.content);
  assert.deepEqual(
    texts,
    b.choices.map(({ message }) => message.content),
  );
  assert.equal(new Set(texts).size, 3);
  const prompt = engine.tokenizer.encode(long);
  const byText = await client.completions.create({ ...greedy, prompt: long });
  const byIds = await client.completions.create({ ...greedy, prompt: Array.from(prompt) });
  assert.equal(byText.choices[0].text, byIds.choices[0].text);
});

test("a plan of the request's own: one that drops after reading answers as a session with it", async () => {
  const plan = { cache: { score: "snapkv", budget: 60, sinks: 4, window: 20 } };
  const body = { ...greedy, messages, long_context: plan };
  const { choices } = await client.chat.completions.create(body as OpenAI.ChatCompletionCreateParamsNonStreaming);
  assert.equal(choices[0].message.content, await expected(messages[0].content, parsePlan(plan)));
  const wrong = client.chat.completions.create({ ...body, long_context: { cach: {} } } as typeof greedy & {
    messages: typeof messages;
  });
  await assert.rejects(wrong, (error) => error instanceof OpenAI.BadRequestError && /cach/.test(error.message));
});

async function idle(): Promise<void> {
  for (let i = 0; i < 100 && server.metrics.running > 0; i++) await new Promise((done) => setTimeout(done, 20));
  assert.equal(server.metrics.running, 0);
}

test("a client that goes away is noticed, and nothing runs on", async () => {
  const controller = new AbortController();
  const stream = await client.chat.completions.create(
    {
      ...greedy,
      messages: [{ role: "user", content: `Another: ${long}` }],
      max_tokens: 1500,
      stream: true,
      ...{ ignore_eos: true },
    },
    { signal: controller.signal },
  );
  for await (const chunk of stream) if (chunk.choices[0]?.delta.content) controller.abort();
  await idle();
  const whole = new AbortController();
  const asked = client.chat.completions.create(
    { ...greedy, messages, max_tokens: 1500, ...{ ignore_eos: true } },
    { signal: whole.signal },
  );
  while (server.metrics.running === 0) await new Promise((done) => setTimeout(done, 5));
  whole.abort();
  await assert.rejects(asked, OpenAI.APIUserAbortError);
  await idle();
  assert.match(
    await (await fetch(`${url}/metrics`)).text(),
    /request_success_total\{model_name="tiny",finished_reason="abort"\} 2/,
  );
});

test("what is too long, unknown or not supported is said in OpenAI's words", async () => {
  const ask = (body: object) => client.chat.completions.create({ ...greedy, messages, ...body });
  await assert.rejects(ask({ max_tokens: 100_000 }), (error) => {
    return (
      error instanceof OpenAI.BadRequestError &&
      error.code === "context_length_exceeded" &&
      /maximum context length is \d+ tokens/.test(error.message)
    );
  });
  await assert.rejects(ask({ model: "other" }), OpenAI.NotFoundError);
  for (const field of [{ functions: [{ name: "f" }] }, { best_of: 2 }, { chat_template: "{{ messages }}" }])
    await assert.rejects(
      ask(field),
      (error) => error instanceof OpenAI.BadRequestError && error.param === Object.keys(field)[0],
    );
  assert.deepEqual(
    (await client.models.list()).data.map(({ id }) => id),
    ["tiny"],
  );
  const keyed = createApp({ ...base, apiKey: "secret", maxRequests: 0 + 1 });
  const get = (authorization?: string) =>
    keyed.app.request("/v1/models", { headers: authorization ? { authorization } : {} });
  assert.deepEqual(
    [(await get()).status, (await get("Bearer wrong")).status, (await get("Bearer secret")).status],
    [401, 401, 200],
  );
  assert.equal((await keyed.app.request("/health")).status, 200);
});

test("tokens and text in both dialects are the tokenizer's own", async () => {
  const post = async (path: string, body: object) => {
    const response = await server.app.request(path, { method: "POST", body: JSON.stringify(body) });
    return (await response.json()) as Record<string, unknown>;
  };
  const ids = (options?: object) => Array.from(engine.tokenizer.encode(long, options));
  const vllm = await post("/tokenize", { prompt: long, return_token_strs: true });
  assert.deepEqual([vllm.tokens, vllm.count], [ids(), ids().length]);
  assert.equal((vllm.token_strs as string[]).slice(-ids({ bos: false }).length).join(""), long);
  const { tokens } = await post("/tokenize", { content: long, with_pieces: true });
  assert.deepEqual(
    (tokens as { id: number }[]).map(({ id }) => id),
    ids({ bos: false }),
  );
  const chat = await post("/tokenize", { messages });
  assert.deepEqual(chat.tokens, Array.from(renderChat(engine.tokenizer, messages)));
  assert.deepEqual(await post("/detokenize", { tokens: ids({ bos: false }) }), { prompt: long, content: long });
  assert.match(JSON.stringify(await post("/detokenize", { tokens: [1e9] })), /expected an id below/);
});

test("one request more than are answered at once gets 429 and when to come back", async () => {
  const small = createApp({ ...base, maxRequests: 1 });
  const post = (body: object) =>
    small.app.request("/v1/chat/completions", {
      method: "POST",
      body: JSON.stringify({ ...greedy, messages, ...body }),
    });
  const first = post({ max_tokens: 60, ignore_eos: true });
  await new Promise((done) => setTimeout(done, 10));
  const second = await post({});
  assert.deepEqual([second.status, second.headers.get("retry-after")], [429, "1"]);
  assert.equal((await first).status, 200);
  await small.stop();
});
