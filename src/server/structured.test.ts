/** Tools, formats, log probabilities, echo and several answers, as clients ask for them and on a model that writes at random. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import OpenAI from "openai";
import { z } from "zod";
import { ask, tinyServer } from "../../test/clients/tiny-server.ts";
import { renderChat } from "../tokenizer/chat-template.ts";

const tiny = await tinyServer();
const { engine } = tiny.options;
const { tokenizer } = engine;
const client = new OpenAI({ baseURL: `${tiny.url}/v1`, apiKey: "none", maxRetries: 0 });
after(() => tiny.close());

type Chat = OpenAI.ChatCompletionCreateParamsNonStreaming;
type Plain = OpenAI.CompletionCreateParamsNonStreaming;
/** Long enough to be shared, so that its reading is kept once. */
const messages = [{ role: "user" as const, content: "the sand and the wind, on and on; ".repeat(6) }];
const random = { model: "tiny", temperature: 1, seed: 1, messages, max_tokens: 300 };
const greedy = { model: "tiny", temperature: 0, max_tokens: 12 };
/** Makes strings of a random model end. */
const [quote] = tokenizer.encode('"', { bos: false });
const endingStrings = { logit_bias: { [quote]: 8 } };

const chat = (body: object) => client.chat.completions.create({ ...random, ...body } as Chat);
const complete = (body: object) => client.completions.create({ ...greedy, ...body } as Plain);

const parameters = {
  type: "object",
  properties: { city: { type: "string" }, unit: { enum: ["c", "f"] } },
  required: ["city", "unit"],
  additionalProperties: false,
};
const tool = (name: string) => ({ type: "function", function: { name, description: `Gives ${name}.`, parameters } });
const tools = [tool("weather"), tool("forecast")];
const calling = { ...random, ...endingStrings, tools };
const argumentsSchema = z.strictObject({ city: z.string(), unit: z.enum(["c", "f"]) });

const scalar = fc.oneof(
  fc.constant({ type: "boolean" }),
  fc.constant({ type: "string", maxLength: 12 }),
  fc.constant({ type: "integer", minimum: -20, maximum: 500 }),
  fc.constant({ type: "number", minimum: 0, maximum: 3 }),
  fc.constant({ enum: ["on the shore", 3, null] }),
  fc.constant({ type: ["integer", "null"], exclusiveMaximum: 9 }),
);
const schemas = fc.letrec((tie) => ({
  schema: fc.oneof({ maxDepth: 2, depthSize: "small" }, scalar, tie("object"), tie("array"), tie("choice")),
  object: fc
    .tuple(fc.dictionary(fc.constantFrom("a", "b c", "ü", "d"), tie("schema"), { maxKeys: 3 }), fc.boolean())
    .map(([properties, isRequired]) => ({
      ...{ type: "object", properties, additionalProperties: false },
      required: Object.keys(properties).filter((_, i) => isRequired || i === 1),
    })),
  array: fc.record({ type: fc.constant("array"), items: tie("schema"), maxItems: fc.constantFrom(1, 3) }),
  choice: fc.record({ anyOf: fc.tuple(tie("schema"), scalar) }),
})).schema;

test("json_schema: whatever a random model writes at temperature 1 parses and fits, or ended for its length", async () => {
  let whole = 0;
  await fc.assert(
    fc.asyncProperty(schemas, fc.nat(1000), async (schema, seed) => {
      const response_format = { type: "json_schema", json_schema: { name: "x", schema, strict: true } };
      const answer = await chat({ ...endingStrings, seed, response_format });
      const [{ message, finish_reason: reason }] = answer.choices;
      if (reason === "length") return assert.equal(answer.usage?.completion_tokens, 300);
      assert.equal(reason, "stop");
      whole++;
      const value = JSON.parse(message.content ?? "");
      z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]).parse(value);
    }),
    { numRuns: 60, seed: 7 },
  );
  assert.ok(whole >= 55, `${whole} of 60 came to an end`);
});

test("an answer that is cut off says so; json_object gives an object, choice one of the choices, regex a match", async () => {
  const cut = await chat({
    response_format: { type: "json_schema", json_schema: { schema: parameters } },
    max_tokens: 3,
  });
  assert.equal(cut.choices[0].finish_reason, "length");
  const object = await chat({ ...endingStrings, response_format: { type: "json_object" } });
  if (object.choices[0].finish_reason === "stop")
    assert.equal(typeof JSON.parse(object.choices[0].message.content ?? ""), "object");
  assert.match(object.choices[0].message.content ?? "", /^\{/);
  const contentOf = async (body: object) => (await chat(body)).choices[0].message.content;
  const asked = { structured_outputs: { choice: ["sand\n", 'the "wind"'] } };
  assert.ok(["sand\n", 'the "wind"'].includes((await contentOf(asked)) ?? ""));
  assert.match((await contentOf({ guided_regex: "[ab]{3}-\\d{2}" })) ?? "", /^[ab]{3}-\d{2}$/);
  assert.ok(["true", "false"].includes((await contentOf({ guided_json: '{"type": "boolean"}' })) ?? ""));
  const { choices } = await complete({ prompt: "the", temperature: 1, seed: 3, guided_choice: ["wind", "sand"] });
  assert.ok(["wind", "sand"].includes(choices[0].text));
});

test("a format that is wrong gets 400 with its reason; 40 others later the first is still there", async () => {
  const isRefused = (pattern: RegExp) => (error: unknown) =>
    error instanceof OpenAI.BadRequestError && pattern.test(error.message);
  const regex = chat({ structured_outputs: { regex: "(" } });
  await assert.rejects(regex, isRefused(/structured_outputs.regex: pattern: expected a group/));
  await assert.rejects(chat({ guided_grammar: "root ::= x" }), isRefused(/guided_grammar/));
  const response_format = {
    type: "json_schema",
    json_schema: { schema: { type: "number", multipleOf: 2 }, strict: true },
  };
  await assert.rejects(chat({ response_format }), isRefused(/response_format: schema: #: .*multipleOf/));
  for (let i = 0; i < 40; i++)
    assert.equal((await chat({ guided_choice: [`${i}`] })).choices[0].message.content, `${i}`);
  assert.equal((await chat({ guided_choice: ["0"] })).choices[0].message.content, "0");
});

test("tool_choice required, named and none: calls of tools there are with arguments that fit, and finish_reason tool_calls", async () => {
  const seen = new Set<string>();
  // Else it would never begin the name of the one.
  const [w] = tokenizer.encode("w", { bos: false });
  const logit_bias = { ...endingStrings.logit_bias, [w]: 3.5 };
  for (let seed = 0; seed < 6; seed++) {
    const { choices } = await chat({
      ...calling,
      logit_bias,
      seed,
      tool_choice: "required",
      parallel_tool_calls: false,
    });
    const [{ message, finish_reason: reason }] = choices;
    assert.deepEqual([reason, message.content, message.tool_calls?.length], ["tool_calls", null, 1]);
    const [call] = message.tool_calls ?? [];
    assert.ok(call.type === "function");
    assert.match(call.id, /^call_\w{24}$/);
    seen.add(call.function.name);
    argumentsSchema.parse(JSON.parse(call.function.arguments));
  }
  assert.deepEqual([...seen].sort(), ["forecast", "weather"]);
  const choice = { type: "function", function: { name: "forecast" } };
  const named = await chat({ ...calling, tool_choice: choice });
  assert.deepEqual(
    named.choices[0].message.tool_calls?.map((call) => call.type === "function" && call.function.name),
    ["forecast"],
  );
  const none = await chat({ ...calling, tool_choice: "none" });
  const bare = await chat({ ...random, ...endingStrings });
  assert.deepEqual(none.choices[0].message, bare.choices[0].message);
  assert.equal(none.usage?.prompt_tokens, bare.usage?.prompt_tokens);
  assert.ok((named.usage?.prompt_tokens ?? 0) > (bare.usage?.prompt_tokens ?? 0) + 50);
});

test("auto beside a format: a call, or an answer in the format", async () => {
  const [call] = tokenizer.encode("<", { bos: false });
  const unit = { type: "object", properties: { unit: { enum: ["c", "f"] } }, required: ["unit"] };
  const only = [{ type: "function", function: { name: "weather", parameters: unit } }];
  const body = {
    ...calling,
    tools: only,
    response_format: { type: "json_schema", json_schema: { schema: { enum: [1, 2] } } },
  };
  const [called, answered] = [30, -100].map((bias) =>
    chat({ ...body, logit_bias: { ...endingStrings.logit_bias, [call]: bias } }),
  );
  assert.equal((await called).choices[0].finish_reason, "tool_calls");
  assert.match((await answered).choices[0].message.content ?? "", /^[12]$/);
});

test("streamed calls come as deltas with index, id and name, then arguments in pieces; put together they are the whole ones", async () => {
  const body = { ...calling, tool_choice: "required", max_tokens: 200, seed: 3 };
  const whole = await chat(body);
  const stream = await client.chat.completions.create({
    ...body,
    stream: true,
  } as OpenAI.ChatCompletionCreateParamsStreaming);
  const calls: { name: string; arguments: string }[] = [];
  let [pieces, reason] = [0, ""];
  for await (const { choices } of stream) {
    reason = choices[0]?.finish_reason ?? reason;
    assert.ok(!choices[0]?.delta.content, "no markup leaks");
    for (const delta of choices[0]?.delta.tool_calls ?? []) {
      if (delta.id) calls[delta.index] = { name: delta.function?.name ?? "", arguments: "" };
      else pieces++;
      calls[delta.index].arguments += delta.function?.arguments;
    }
  }
  const expected = whole.choices[0].message.tool_calls?.map((call) => call.type === "function" && call.function);
  assert.deepEqual(calls, expected);
  assert.equal(reason, whole.choices[0].finish_reason);
  assert.ok(pieces > calls.length, `${pieces} pieces`);
});

/** ln p of every token after the first, read by a session of its own. */
async function logProbsOf(ids: ArrayLike<number>): Promise<number[]> {
  const session = await engine.session();
  const all: number[] = [];
  await session.prefill(ids, {
    targets: Array.from(ids, (_, i) => ids[i + 1] ?? -1),
    onLogProbs: (logProbs) => all.push(...logProbs),
  });
  await session.dispose();
  return all.slice(0, -1);
}

const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-3, `${a} ${b}`);

test("chat logprobs: the model's own, with bytes that are the text, the likeliest tokens in order; streamed they are the same", async () => {
  const body = { ...random, logprobs: true, top_logprobs: 3, max_tokens: 25, ignore_eos: true };
  const answer = await chat({ ...body, return_token_ids: true });
  const [choice] = answer.choices;
  const { token_ids: ids } = choice as unknown as { token_ids: number[] };
  const { prompt_token_ids: promptIds } = answer as unknown as { prompt_token_ids: number[] };
  assert.deepEqual(promptIds, Array.from(renderChat(tokenizer, messages)));
  const content = choice.logprobs?.content ?? [];
  assert.equal(content.length, 25);
  const text = new TextDecoder().decode(Uint8Array.from(content.flatMap(({ bytes }) => bytes ?? [])));
  assert.equal(text, choice.message.content);
  const expected = (await logProbsOf([...promptIds, ...ids])).slice(promptIds.length - 1);
  for (const [i, { logprob, top_logprobs: top }] of content.entries()) {
    near(logprob, expected[i]);
    assert.equal(top.length, 3);
    assert.ok(top[0].logprob >= top[1].logprob && top[1].logprob >= top[2].logprob && top[0].logprob >= logprob);
  }
  const stream = await client.chat.completions.create({
    ...body,
    stream: true,
  } as OpenAI.ChatCompletionCreateParamsStreaming);
  const streamed: unknown[] = [];
  for await (const { choices } of stream) streamed.push(...(choices[0]?.logprobs?.content ?? []));
  assert.deepEqual(streamed, content);
});

test("completions: logprobs with offsets into the text; echo gives the prompt's own, from text or ids, with max_tokens 0 as well", async () => {
  const prompt = "the sand, é and the wind";
  const ids = Array.from(tokenizer.encode(prompt));
  const expected = await logProbsOf(ids);
  for (const logprobs of [0, 2]) {
    const { choices, usage } = await complete({ prompt, echo: true, max_tokens: 0, logprobs });
    const [{ text, logprobs: given, finish_reason: reason }] = choices;
    assert.deepEqual([text, reason, usage?.completion_tokens], [prompt, "length", 0]);
    assert.equal(given?.token_logprobs?.[0], null);
    for (const [i, logProb] of expected.entries()) near(given?.token_logprobs?.[i + 1] ?? 0, logProb);
    assert.equal(given?.tokens?.length, ids.length);
    if (logprobs === 0) assert.equal(given?.top_logprobs, null);
    else
      for (const [i, top] of (given?.top_logprobs ?? []).entries()) {
        if (i === 0) assert.equal(top, null);
        else assert.ok(given?.tokens && given.tokens[i] in top && Object.keys(top).length <= 3);
      }
    for (const [i, token] of (given?.tokens ?? []).entries())
      if (!token.startsWith("bytes:")) assert.equal(text.slice(given?.text_offset?.[i]).slice(0, token.length), token);
  }
  const two = await complete({ prompt: [ids, ids.slice(0, 3)], echo: true, logprobs: 1, n: 2 });
  const alone = await complete({ prompt: ids, echo: true, logprobs: 1 });
  assert.deepEqual(
    two.choices.map(({ index }) => index),
    [0, 1, 2, 3],
  );
  assert.deepEqual(two.choices[0], alone.choices[0]);
  assert.deepEqual(two.choices[1].text, alone.choices[0].text);
  assert.ok(two.choices[3].text.startsWith(tokenizer.decode(ids.slice(0, 3))));
  assert.equal(two.usage?.prompt_tokens, ids.length + 3);
  const stream = await client.completions.create({ ...greedy, prompt: ids, echo: true, logprobs: 1, stream: true });
  const streamed = { text: "", tokens: [] as string[], offsets: [] as number[] };
  for await (const { choices } of stream) {
    streamed.text += choices[0]?.text ?? "";
    streamed.tokens.push(...(choices[0]?.logprobs?.tokens ?? []));
    streamed.offsets.push(...(choices[0]?.logprobs?.text_offset ?? []));
  }
  const [{ text, logprobs }] = alone.choices;
  assert.deepEqual(streamed, { text, tokens: logprobs?.tokens, offsets: logprobs?.text_offset });
});

test("several prompts are answered as each alone; echo without logprobs begins answers with their prompts", async () => {
  const prompts = ["the sand", "and the wind", "on"];
  const together = await complete({ prompt: prompts, echo: true });
  for (const [i, prompt] of prompts.entries()) {
    const [alone] = (await complete({ prompt })).choices;
    assert.deepEqual(together.choices[i], { ...alone, index: i, text: prompt + alone.text });
  }
});

test("penalties and logit_bias reach the sampler", async () => {
  const [x] = tokenizer.encode("x", { bos: false });
  const forced = await complete({ prompt: "the", logit_bias: { [x]: 100 }, max_tokens: 6 });
  assert.equal(forced.choices[0].text, "xxxxxx");
  const bias = { prompt: "the", logit_bias: { [x]: 20 }, max_tokens: 12, ignore_eos: true };
  const countOf = async (body: object) =>
    [...(await complete({ ...bias, ...body })).choices[0].text].filter((c) => c === "x").length;
  assert.ok((await countOf({})) > (await countOf({ frequency_penalty: 2 })));
  const [plain, present] = [
    await complete({ prompt: "the wind" }),
    await complete({ prompt: "the wind", presence_penalty: 2 }),
  ];
  assert.equal(plain.usage?.prompt_tokens, present.usage?.prompt_tokens);
});

test("n answers are written at the same time and are those of n requests; a client that goes away frees all of them", async () => {
  const body = { ...random, max_tokens: 30, ignore_eos: true };
  const alone = await Promise.all([0, 1, 2].map((i) => chat({ ...body, seed: 1 + i })));
  const three = await chat({ ...body, n: 3 });
  assert.deepEqual(
    three.choices.map(({ message }) => message.content),
    alone.map(({ choices }) => choices[0].message.content),
  );
  const streaming = { ...body, n: 3, stream: true } as unknown as OpenAI.ChatCompletionCreateParamsStreaming;
  const order: number[] = [];
  for await (const { choices } of await client.chat.completions.create(streaming))
    if (choices[0]?.delta.content) order.push(choices[0].index);
  const changes = order.filter((index, i) => i > 0 && index !== order[i - 1]).length;
  assert.ok(changes > 10, `the answer changed ${changes} times in ${order.length} chunks`);

  await tiny.idle();
  const { cacheBytes: before } = await engine.memory();
  const controller = new AbortController();
  const gone = await client.chat.completions.create({ ...streaming, max_tokens: 1500 }, { signal: controller.signal });
  for await (const { choices } of gone) if (choices[0]?.delta.content) controller.abort();
  await tiny.idle();
  const { cacheBytes: after } = await engine.memory();
  assert.ok(after <= before, `${after} bytes, ${before} before`);
});

test("a conversation with calls and their results is rendered; other combinations are refused by name", async () => {
  const called = [
    ...messages,
    {
      ...{ role: "assistant", content: null },
      tool_calls: [{ id: "call_1", type: "function", function: { name: "weather", arguments: '{"city": "Paris"}' } }],
    },
    { role: "tool", tool_call_id: "call_1", content: "rain" },
  ];
  assert.ok(((await chat({ messages: called, tools, max_tokens: 2 })).usage?.prompt_tokens ?? 0) > 100);
  const wrong: [route: "chat/completions" | "completions", body: object, param: string][] = [
    ["chat/completions", { tool_choice: "required" }, "tool_choice"],
    ["chat/completions", { tools, tool_choice: { type: "function", function: { name: "other" } } }, "tool_choice"],
    ["chat/completions", { tools: [{ type: "custom", custom: { name: "f" } }] }, "tools.0.type"],
    [
      "chat/completions",
      { tools: [{ ...tools[0], function: { name: "f", parameters: { type: "x" } } }] },
      "tools.0.function.parameters",
    ],
    ["chat/completions", { functions: [{ name: "f" }] }, "functions"],
    ["chat/completions", { response_format: { type: "grammar" } }, "response_format.type"],
    ["chat/completions", { response_format: { type: "json_object" }, guided_regex: "a" }, "guided_regex"],
    ["chat/completions", { response_format: { type: "json_object" }, ignore_eos: true }, "ignore_eos"],
    ["chat/completions", { top_logprobs: 2 }, "top_logprobs"],
    ["chat/completions", { logprobs: true, top_logprobs: 21 }, "top_logprobs"],
    ["chat/completions", { frequency_penalty: 3 }, "frequency_penalty"],
    ["chat/completions", { logit_bias: { 99999: 1 } }, "logit_bias"],
    ["chat/completions", { repetition_penalty: 1.2 }, "repetition_penalty"],
    ["chat/completions", { modalities: ["text", "audio"] }, "modalities"],
    ["completions", { max_tokens: 0 }, "max_tokens"],
    ["completions", { suffix: "x" }, "suffix"],
    ["completions", { suffix: "x", echo: true }, "echo"],
    ["completions", { best_of: 3 }, "best_of"],
    ["completions", { prompt: [1, 99999] }, "prompt"],
    ["completions", { logprobs: 6 }, "logprobs"],
  ];
  for (const [route, body, param] of wrong) {
    const prompt = route === "completions" ? { prompt: "the" } : { messages };
    const { status, body: answer } = await ask(tiny.server, `POST /v1/${route}`, { ...prompt, max_tokens: 2, ...body });
    const { error } = answer as { error: { param: string; message: string } };
    assert.deepEqual([status, error?.param], [400, param], JSON.stringify(answer));
  }
  const passed = {
    user: "me",
    metadata: { a: "b" },
    store: true,
    service_tier: "auto",
    parallel_tool_calls: true,
    best_of: 1,
  };
  assert.equal(
    (await ask(tiny.server, "POST /v1/chat/completions", { messages, max_tokens: 2, ...passed })).status,
    200,
  );
});
