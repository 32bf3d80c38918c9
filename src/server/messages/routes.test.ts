/** Anthropic's dialect: bare requests, as its clients send them. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { type Answer, ask, tinyServer } from "../../../test/clients/tiny-server.ts";
import { asked, parameters, place } from "../../../test/clients/travel.ts";
import { textOf } from "../../../test/support/sessions.ts";
import { renderChat } from "../../tokenizer/chat-template.ts";
import { createApp } from "../app.ts";
import type { AnswerBlock, MessagesUsage } from "./answer.ts";

const tiny = await tinyServer();
const { server, options } = tiny;
const { engine } = options;
after(() => tiny.close());

interface Message {
  type: string;
  role: string;
  model: string;
  content: AnswerBlock[];
  stop_reason: string;
  stop_sequence: string | null;
  usage: MessagesUsage;
}

const long = "the sand and the wind, on and on, another shore in the west; ".repeat(8);
const content = `${long}Where is the shore?`;
const greedy = { model: "tiny", max_tokens: 12, temperature: 0 };
const post = (body: object): Promise<Answer> => ask(server, "POST /v1/messages", { ...greedy, ...body });
const textIn = ({ content }: Message) => content.map((block) => (block.type === "text" ? block.text : "")).join("");

async function answerTo(body: object): Promise<Message> {
  const { status, body: message } = await post(body);
  assert.equal(status, 200, JSON.stringify(message));
  return message as Message;
}

/** Names of events and their data, as they come over the wire. */
function eventsOf(stream: string): { event: string; data: Record<string, unknown> }[] {
  assert.ok(stream.endsWith("\n\n"));
  return stream
    .slice(0, -2)
    .split("\n\n")
    .map((block) => {
      const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? assert.fail(block);
      return { event, data: JSON.parse(data) };
    });
}

test("an answer is what a session of its own writes; the second time all of the prompt is read from the cache", async () => {
  const chat = [
    { role: "system", content: "Be brief." },
    { role: "user", content },
  ];
  const ids = renderChat(engine.tokenizer, chat);
  const session = await engine.session();
  await session.prefill(ids);
  const text = await textOf(session, { maxTokens: 12 });
  await session.dispose();
  const body = { system: "Be brief.", messages: [{ role: "user", content }] };
  const first = await answerTo(body);
  const { type, role, model } = first;
  assert.deepEqual([type, role, model, textIn(first)], ["message", "assistant", "tiny", text]);
  const inBlocks = {
    system: [{ type: "text", text: "Be brief." }],
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: long },
          { type: "text", text: "Where is the shore?" },
        ],
      },
    ],
  };
  const second = await answerTo(inBlocks);
  assert.equal(textIn(second), text);
  const none = { cache_creation_input_tokens: 0, output_tokens: first.usage.output_tokens };
  assert.deepEqual(first.usage, { ...none, input_tokens: ids.length, cache_read_input_tokens: 0 });
  assert.deepEqual(second.usage, { ...none, input_tokens: 0, cache_read_input_tokens: ids.length });
  const counted = await ask(server, "POST /v1/messages/count_tokens", inBlocks);
  assert.deepEqual(counted.body, { input_tokens: ids.length });
});

test("a stream has its events in Anthropic's order, and their text is that of the whole answer", async () => {
  const body = { messages: [{ role: "user", content }] };
  const whole = await answerTo(body);
  const { headers, body: stream } = await post({ ...body, stream: true });
  assert.match(headers.get("content-type") ?? "", /^text\/event-stream/);
  const events = eventsOf(stream as string);
  for (const { event, data } of events) assert.equal(data.type, event);
  const names = events.map(({ event }) => event).filter((event) => event !== "ping");
  const deltas = events.filter(({ event }) => event === "content_block_delta");
  assert.deepEqual(names, [
    ...["message_start", "content_block_start"],
    ...deltas.map(() => "content_block_delta"),
    ...["content_block_stop", "message_delta", "message_stop"],
  ]);
  assert.equal(events[0].event, "ping");
  assert.ok(deltas.length > 1);
  assert.equal(deltas.map(({ data }) => (data.delta as { text: string }).text).join(""), textIn(whole));
  const { message } = events[1].data as { message: Message };
  assert.deepEqual([message.content, message.stop_reason, message.role], [[], null, "assistant"]);
  const { delta, usage } = events[events.length - 2].data as { delta: object; usage: MessagesUsage };
  assert.deepEqual(delta, { stop_reason: whole.stop_reason, stop_sequence: null });
  assert.equal(usage.output_tokens, whole.usage.output_tokens);
});

test("why an answer ended is said: its length, or which of the stop sequences", async () => {
  const body = { messages: [{ role: "user", content }] };
  const whole = await answerTo(body);
  assert.equal(whole.stop_reason, "max_tokens");
  const text = textIn(whole);
  const stop = text.slice(4, 7);
  const stopped = await answerTo({ ...body, stop_sequences: ["never written", stop] });
  assert.deepEqual([stopped.stop_reason, stopped.stop_sequence], ["stop_sequence", stop]);
  assert.equal(textIn(stopped), text.slice(0, text.indexOf(stop)));
});

test("an answer that the client begins is gone on with: the prompt ends with that text", async () => {
  const count = async (messages: object[]) => {
    const { body } = await ask(server, "POST /v1/messages/count_tokens", { messages });
    return (body as { input_tokens: number }).input_tokens;
  };
  const user = { role: "user", content: "Where?" };
  const begun = "At the shore";
  assert.equal(
    await count([user, { role: "assistant", content: begun }]),
    (await count([user])) + engine.tokenizer.encode(begun, { bos: false }).length,
  );
});

test("errors have Anthropic's shape, and x-api-key is a key", async () => {
  const messages = [{ role: "user", content: "Where?" }];
  const image = [{ role: "user", content: [{ type: "image", source: {} }] }];
  const cases: [body: object, status: number, type: string, message: RegExp][] = [
    [{ messages, max_tokens: undefined }, 400, "invalid_request_error", /max_tokens/],
    [{ messages: [] }, 400, "invalid_request_error", /messages/],
    [{ messages: image }, 400, "invalid_request_error", /messages\.0\.content/],
    [{ messages, max_tokens: 1e6 }, 400, "invalid_request_error", /maximum context length is/],
    [{ messages, model: "other" }, 404, "not_found_error", /other/],
    [{ messages, long_context: { cach: {} } }, 400, "invalid_request_error", /cach/],
  ];
  for (const [body, status, type, message] of cases) {
    const answer = await post(body);
    const { error, type: kind } = answer.body as { type: string; error: { type: string; message: string } };
    assert.deepEqual([answer.status, kind, error.type], [status, "error", type], JSON.stringify(answer.body));
    assert.match(error.message, message);
  }
  const keyed = createApp({ ...options, apiKey: "secret" });
  const countWith = async (headers: object) => {
    const route = "POST /v1/messages/count_tokens";
    const { status, body } = await ask(keyed, route, { messages }, headers);
    return [status, (body as { error?: { type: string } }).error?.type];
  };
  assert.deepEqual(await countWith({}), [401, "authentication_error"]);
  assert.deepEqual(await countWith({ "x-api-key": "wrong" }), [401, "authentication_error"]);
  assert.deepEqual(await countWith({ "x-api-key": "secret" }), [200, undefined]);
  assert.deepEqual(await countWith({ authorization: "Bearer secret" }), [200, undefined]);
});

test("tool_use with its input, whole and streamed, and tool_result is read", async () => {
  const body = {
    ...asked,
    tools: [{ name: "travel", description: "Go there.", input_schema: parameters }],
    tool_choice: { type: "any" },
  };
  const { content: blocks, stop_reason: reason } = (await post(body)).body as {
    content: { type: string; id: string; name: string; input: unknown }[];
    stop_reason: string;
  };
  const [use] = blocks.filter(({ type }) => type === "tool_use");
  assert.deepEqual([use.name, reason], ["travel", "tool_use"]);
  place.parse(use.input);
  const stream = (await post({ ...body, stream: true })).body as string;
  const fragments = [...stream.matchAll(/"input_json_delta","partial_json":("(?:[^"\\]|\\.)*")/g)];
  assert.deepEqual(JSON.parse(fragments.map(([, json]) => JSON.parse(json)).join("")), use.input);
  assert.match(stream, /"content_block":\{"type":"tool_use","id":"[^"]+","name":"travel","input":\{\}\}/);
  assert.match(stream, /"stop_reason":"tool_use"/);
  const messages = [
    ...asked.messages,
    { role: "assistant", content: blocks },
    { role: "user", content: [{ type: "tool_result", tool_use_id: use.id, content: "There." }] },
  ];
  const again = (await post({ ...body, messages, max_tokens: 4, tool_choice: { type: "none" } })).body as {
    type: string;
  };
  assert.equal(again.type, "message");
});
