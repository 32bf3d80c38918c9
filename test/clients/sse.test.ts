/** What goes over the wire, byte for byte: clients of many languages cut it up with few lines of their own. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { tinyServer } from "./tiny-server.ts";

const tiny = await tinyServer();
after(() => tiny.close());

const body = { model: "tiny", temperature: 0, max_tokens: 6, stream: true };
const messages = [{ role: "user", content: "Where is the shore?" }];

async function wire(path: string, request: object): Promise<{ response: Response; text: string }> {
  const response = await fetch(`${tiny.url}${path}`, { method: "POST", body: JSON.stringify(request) });
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { response, text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
}

test("OpenAI's stream: comments, `data: ` and one line of JSON each, a blank line behind, [DONE] last, no event names", async () => {
  const request = { ...body, messages, stream_options: { include_usage: true } };
  const { response, text } = await wire("/v1/chat/completions", request);
  assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
  assert.equal(response.headers.get("cache-control"), "no-cache");
  assert.equal(response.headers.get("x-accel-buffering"), "no");
  assert.equal(response.headers.get("content-length"), null);
  assert.match(text, /^: ping\n\n(: ping\n\n|data: \{[^\n]*\}\n\n)+data: \[DONE\]\n\n$/);
  const chunks = [...text.matchAll(/^data: (\{.*\})$/gm)].map(([, json]) => JSON.parse(json));
  for (const chunk of chunks) {
    assert.equal(chunk.object, "chat.completion.chunk");
    assert.deepEqual([chunk.id, chunk.created, chunk.model], [chunks[0].id, chunks[0].created, "tiny"]);
  }
  assert.deepEqual(chunks[0].choices[0].delta, { role: "assistant", content: "" });
  const usages = chunks.map(({ usage }) => usage);
  assert.ok(usages.slice(0, -1).every((usage) => usage === null) && usages[usages.length - 1].total_tokens > 0);
  const ends = chunks.filter(({ choices }) => choices[0]?.finish_reason);
  assert.deepEqual([ends.length, ends[0].choices[0].delta], [1, {}]);
});

test("without include_usage no chunk speaks of usage, and every one has a choice", async () => {
  const { text } = await wire("/v1/chat/completions", { ...body, messages });
  for (const [, json] of text.matchAll(/^data: (\{.*\})$/gm)) {
    const chunk = JSON.parse(json);
    assert.ok(!("usage" in chunk) && chunk.choices.length === 1, json);
  }
});

test("Anthropic's stream: an event name and one line of JSON each, no comments, no [DONE]", async () => {
  const { text } = await wire("/v1/messages", { ...body, messages });
  assert.match(text, /^(event: [a-z_]+\ndata: \{[^\n]*\}\n\n)+$/);
  assert.match(text, /event: message_stop\ndata: \{"type":"message_stop"\}\n\n$/);
});

test("text of several bytes a character arrives as whole characters in every chunk", async () => {
  const request = { ...body, messages, max_tokens: 60, temperature: 2, seed: 3, ignore_eos: true };
  const { text } = await wire("/v1/chat/completions", request);
  const pieces = [...text.matchAll(/^data: (\{.*\})$/gm)].map(([, json]) => JSON.parse(json).choices[0]?.delta.content);
  const whole = await fetch(`${tiny.url}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ ...request, stream: false }),
  });
  const { choices } = (await whole.json()) as { choices: { message: { content: string } }[] };
  assert.equal(pieces.join(""), choices[0].message.content);
  assert.ok(
    pieces.some((piece) => /[^\0-\x7f]/.test(piece ?? "")),
    "it writes more than ASCII",
  );
});

test("a reader that stops in the middle ends the request, in both dialects, and its place is free again", async () => {
  for (const [path, request] of [
    ["/v1/chat/completions", { ...body, messages, max_tokens: 1400, ignore_eos: true }],
    ["/v1/messages", { ...body, messages, max_tokens: 1400, temperature: 1 }],
  ] as const) {
    const response = await fetch(`${tiny.url}${path}`, { method: "POST", body: JSON.stringify(request) });
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await tiny.idle();
  }
  const { text } = await wire("/v1/chat/completions", { ...body, messages });
  assert.match(text, /data: \[DONE\]/);
});
