import assert from "node:assert/strict";
import { after, test } from "node:test";
import OpenAI from "openai";
import { ask, tinyServer } from "../../test/clients/tiny-server.ts";
import { embed } from "./embeddings.ts";

const tiny = await tinyServer();
const { server, url, options } = tiny;
const { engine } = options;
const { hiddenSize, contextLength } = engine.model;
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
after(() => tiny.close());

const texts = ["the sand and the wind", "a lighthouse keeper writes a letter", "the sand and the wind"];
const long = "on and on, another shore in the west; ".repeat(30);

async function embeddingsOf(input: unknown, more = {}): Promise<number[][]> {
  const { status, body } = await ask(server, "POST /v1/embeddings", { input, ...more });
  assert.equal(status, 200, JSON.stringify(body));
  return (body as { data: { embedding: number[] }[] }).data.map(({ embedding }) => embedding);
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

test("openai: base64, which it asks for, and floats are the same numbers; equal texts have cosine 1 within 1e-6, others less than 0.999", async () => {
  const asked = await client.embeddings.create({ model: "tiny", input: texts });
  const floats = await client.embeddings.create({ model: "tiny", input: texts, encoding_format: "float" });
  assert.deepEqual(asked, floats);
  const [a, b, c] = floats.data.map(({ embedding }) => embedding);
  assert.equal(a.length, hiddenSize);
  assert.ok(Math.abs(dot(a, c) - 1) < 1e-6 && Math.abs(dot(b, b) - 1) < 1e-6);
  assert.ok(dot(a, b) < 0.999, `${dot(a, b)}`);
  const tokens = texts.reduce((sum, text) => sum + engine.tokenizer.encode(text).length, 0);
  assert.deepEqual(floats.usage, { prompt_tokens: tokens, total_tokens: tokens });
});

test("base64 is little-endian f32", async () => {
  const { body } = await ask(server, "POST /v1/embeddings", { input: texts[0], encoding_format: "base64" });
  const bytes = Buffer.from((body as { data: { embedding: string }[] }).data[0].embedding, "base64");
  const [floats] = await embeddingsOf(texts[0]);
  assert.deepEqual(
    floats.map((_, i) => bytes.readFloatLE(i * 4)),
    floats,
  );
});

test("a text alone, among others, as token ids, and read in chunks of 50 is the same bit for bit; as steps within 1e-5", async () => {
  const [alone] = await embeddingsOf(long);
  const ids = Array.from(engine.tokenizer.encode(long));
  assert.deepEqual((await embeddingsOf([texts[0], long]))[1], alone);
  assert.deepEqual(await embeddingsOf(ids), [alone]);
  assert.deepEqual(await embeddingsOf([ids, ids.slice(0, 5), ids]).then(([a, , c]) => [a, c]), [alone, alone]);
  const inChunksOf = async (prefillChunk: number) => {
    const session = await engine.session({ prefillChunk });
    const chunked = await embed(session, Int32Array.from(ids), { hiddenSize });
    await session.dispose();
    return [...chunked];
  };
  assert.deepEqual(await inChunksOf(50), alone);
  const steps = await inChunksOf(7);
  assert.ok(steps.every((value, i) => Math.abs(value - alone[i]) < 1e-5));
});

test("it is the mean over all tokens, not the last token's: hidden states added up by hand give it within 1e-6", async () => {
  const ids = engine.tokenizer.encode(texts[1]);
  const session = await engine.session();
  const rows: number[][] = [];
  await session.prefill(ids, {
    onHidden: (hidden, firstRow) => {
      assert.equal(firstRow, rows.length);
      for (let at = 0; at < hidden.length; at += hiddenSize) rows.push([...hidden.subarray(at, at + hiddenSize)]);
    },
  });
  await session.dispose();
  assert.equal(rows.length, ids.length);
  const mean = rows[0].map((_, i) => rows.reduce((sum, row) => sum + row[i] / rows.length, 0));
  const [embedding] = await embeddingsOf(texts[1]);
  const length = Math.sqrt(dot(mean, mean));
  for (const [i, value] of embedding.entries()) assert.ok(Math.abs(value - mean[i] / length) < 1e-6);
  const last = rows[rows.length - 1];
  assert.ok(dot(embedding, last) / Math.sqrt(dot(last, last)) < 0.999);
});

test("dimensions are the first numbers, brought to length 1 again", async () => {
  const [whole] = await embeddingsOf(texts[1]);
  const [cut] = await embeddingsOf(texts[1], { dimensions: 16 });
  const length = Math.sqrt(dot(whole.slice(0, 16), whole.slice(0, 16)));
  assert.equal(cut.length, 16);
  for (const [i, value] of cut.entries()) assert.ok(Math.abs(value - whole[i] / length) < 1e-6);
});

test("too long, empty, unknown and too many dimensions are refused, with what is wrong", async () => {
  const cases: [body: object, param: string, message: RegExp][] = [
    [{ input: ["a", "word ".repeat(contextLength)] }, "input", /maximum context length is \d+ tokens.*input 1 has/],
    [{ input: [] }, "input", /input/],
    [{ input: "" }, "input", /expected some text/],
    [{ input: [[]] }, "input", /input/],
    [{ input: "a", dimensions: hiddenSize + 1 }, "dimensions", /at most/],
    [{ input: "a", encoding_format: "hex" }, "encoding_format", /encoding_format/],
  ];
  for (const [body, param, message] of cases) {
    const { status, body: answer } = await ask(server, "POST /v1/embeddings", body);
    const { error } = answer as { error: { param: string; message: string } };
    assert.deepEqual([status, error.param.split(".")[0]], [400, param], error.message);
    assert.match(error.message, message);
  }
  assert.equal((await ask(server, "POST /v1/embeddings", { input: [1e9] })).status, 400);
  assert.equal((await ask(server, "POST /v1/embeddings", { input: "a", model: "other" })).status, 404);
});

test("a client that goes away ends the reading; no session stays open", async () => {
  const before = await engine.memory();
  const controller = new AbortController();
  const asked = client.embeddings.create(
    { model: "tiny", input: Array.from({ length: 200 }, () => long) },
    { signal: controller.signal },
  );
  while (server.metrics.running === 0) await new Promise((done) => setTimeout(done, 5));
  controller.abort();
  await assert.rejects(asked, OpenAI.APIUserAbortError);
  await tiny.idle();
  assert.equal((await engine.memory()).cacheBytes, before.cacheBytes);
});
