/** Traces of answers: of sessions, and as requests get them. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { ask, tinyServer } from "../../test/clients/tiny-server.ts";
import { parsePlan } from "../context/plan.ts";
import { renderChat } from "../tokenizer/chat-template.ts";
import { type Trace, traceOf } from "./trace.ts";

const tiny = await tinyServer();
after(() => tiny.close());
const { server, options } = tiny;
const { engine } = options;

const document = `${"the sand and the wind, on and on; ".repeat(10)}a lighthouse, another shore. `.repeat(2);
const question = "\n\nWhere is the shore?";
const messages = [
  { role: "system", content: "Answer." },
  {
    role: "user",
    content: [
      { type: "text", text: document },
      { type: "text", text: question },
    ],
  },
];
const greedy = { messages, temperature: 0, max_tokens: 6, return_trace: true };

async function traced(body: object): Promise<Trace> {
  const { status, body: answer } = await ask(server, "POST /v1/chat/completions", { ...greedy, ...body });
  assert.equal(status, 200, JSON.stringify(answer));
  return (answer as { trace: Trace }).trace;
}

test("return_trace: blocks of 64 tokens cut the document without gaps, hold all of it, and share its attention within 0.001", async () => {
  const trace = await traced({});
  const { prompt_tokens: length, blocks } = trace;
  assert.deepEqual(trace.text, { message: 1, part: 0 });
  assert.equal(blocks.length, Math.ceil(length / 64));
  assert.equal(blocks.map(({ start, end }) => document.slice(start, end)).join(""), document);
  assert.ok(blocks.every(({ kept }) => kept === 1));
  assert.equal(trace.kept_tokens, length);
  assert.ok(Math.abs(blocks.reduce((sum, { attended }) => sum + attended, 0) - 1) < 1e-3);
});

test("passages are in falling order, and their characters spell their excerpts", async () => {
  const { passages } = await traced({});
  assert.ok(passages.length > 1);
  assert.ok(passages.every(({ share }, i) => i === 0 || share <= passages[i - 1].share));
  for (const { start, end, peak, excerpt, first_token, end_token } of passages) {
    assert.equal(document.slice(start, end), excerpt);
    assert.ok(peak >= start && peak < end && end_token - first_token === 64);
  }
});

test("asked again, the prompt is from the cache, and the trace is the same", async () => {
  const [first, second] = [await traced({}), await traced({})];
  assert.equal(second.cached_tokens, second.prompt_tokens);
  assert.deepEqual({ ...second, cached_tokens: 0 }, { ...first, cached_tokens: 0 });
});

test("under a budget, kept is the share of KV heads' slots that kept() lists, within 1e-4", async () => {
  const plan = parsePlan({ cache: { score: "key-norm", budget: 192, window: 32 } });
  const trace = await traced({ long_context: plan });
  assert.ok(trace.kept_tokens < trace.prompt_tokens);
  const promptIds = renderChat(engine.tokenizer, [
    { role: "system", content: "Answer." },
    { role: "user", content: document + question },
  ]);
  const session = await engine.session({ plan });
  await session.prefill(promptIds);
  const slots = await session.kept();
  await session.dispose();
  for (const [block, { kept }] of trace.blocks.entries()) {
    const [from, to] = [64 * block, Math.min(promptIds.length, 64 * (block + 1))];
    const held = slots.flatMap(({ positions }) => [...positions]).filter((p) => p >= from && p < to).length;
    assert.ok(Math.abs(kept - held / slots.length / (to - from)) < 1e-4, `block ${block}: ${kept}`);
  }
});

test("streamed, the trace is a chunk before the last, and that of a whole answer; nobody else gets one", async () => {
  const whole = await traced({});
  const { body } = await ask(server, "POST /v1/chat/completions", { ...greedy, stream: true });
  const lines = String(body)
    .split("\n")
    .filter((line) => line.startsWith("data: {"))
    .map((line) => JSON.parse(line.slice("data: ".length)));
  const traces = lines.filter((line) => "trace" in line);
  assert.equal(traces.length, 1);
  assert.deepEqual(traces[0].choices, []);
  assert.deepEqual(traces[0].trace, whole);
  const plain = await ask(server, "POST /v1/chat/completions", { ...greedy, return_trace: false });
  assert.ok(!("trace" in (plain.body as object)));
});

test("several answers have no one trace: 400", async () => {
  const { status, body } = await ask(server, "POST /v1/chat/completions", { ...greedy, n: 2 });
  assert.equal(status, 400);
  assert.match(JSON.stringify(body), /return_trace: expected one answer/);
});

test("bare tokens have blocks and passages, but no text: every block is without characters", async () => {
  const promptIds = engine.tokenizer.encode(document);
  const session = await engine.session({ trace: true });
  await session.prefill(promptIds);
  for await (const _ of session.generate({ maxTokens: 4 }));
  const trace = await traceOf(session, { tokenizer: engine.tokenizer, promptIds, cachedTokens: 0, messages: [] });
  await session.dispose();
  assert.equal(trace.text, null);
  assert.ok(trace.blocks.every(({ start, end }) => start === 0 && end === 0));
  assert.ok(trace.passages.length > 0 && trace.passages.every(({ excerpt }) => document.includes(excerpt)));
});
