/** Generation repeats itself for a seed, no stop string gets out, and no text is lost. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import type { GenerateOptions } from "../../src/index.ts";
import { argmax } from "../support/kl.ts";
import { loadTiny, logitsOf, randomIds, readLogits, textOf } from "../support/sessions.ts";
import { untilStop } from "../support/stops.ts";

const engine = await loadTiny("qwen3-q4_k");
after(() => engine.dispose());
const prompt = randomIds(engine, 20, 1);
const sampled: GenerateOptions = { maxTokens: 40, temperature: 1 };

async function write(options: GenerateOptions): Promise<string> {
  const session = await engine.session();
  await session.prefill(prompt);
  const text = await textOf(session, options);
  await session.dispose();
  return text;
}

test("the same seed writes the same text, three seeds write three", async () => {
  const texts = await Promise.all([1, 2, 3].map((seed) => write({ ...sampled, seed })));
  assert.equal(await write({ ...sampled, seed: 1 }), texts[0]);
  assert.equal(new Set(texts).size, 3);
  assert.ok(texts.every((text) => text.length > 10));
});

test("greedy tokens are the argmax of what prefill computes for the same tokens", async () => {
  const session = await engine.session();
  await session.prefill(prompt);
  const ids: number[] = [];
  for await (const { tokenId } of session.generate({ maxTokens: 12 })) ids.push(tokenId);
  const rows = await logitsOf(engine, [...prompt, ...ids]);
  assert.deepEqual(ids, rows.slice(prompt.length - 1, -1).map(argmax));
  await session.dispose();
});

test("text ends before the stop string that is complete first, which is never emitted, wherever tokens end", async () => {
  const whole = await write({ ...sampled, seed: 4 });
  const part = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 12 }));
  await fc.assert(
    fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 3 }), async (parts) => {
      const stop = parts.map(([begin, length]) => whole.slice(begin, begin + length));
      assert.equal(await write({ ...sampled, seed: 4, stop }), untilStop(whole, stop));
    }),
    { numRuns: 8, seed: 1 },
  );
});

test("a stop string that never comes changes nothing, also if the text ends inside it", async () => {
  const whole = await write({ ...sampled, seed: 4 });
  assert.equal(await write({ ...sampled, seed: 4, stop: [`${whole.slice(-3)}x`, "never"] }), whole);
});

test("leaving the loop early keeps the session usable, with every token that was yielded in it", async () => {
  const session = await engine.session();
  await session.prefill(prompt);
  const ids: number[] = [];
  for await (const { tokenId } of session.generate({ maxTokens: 20 })) {
    ids.push(tokenId);
    if (ids.length === 5) break;
  }
  assert.equal(session.length, prompt.length + 5);
  for await (const { tokenId } of session.generate({ maxTokens: 5 })) ids.push(tokenId);
  const rows = await logitsOf(engine, [...prompt, ...ids]);
  assert.deepEqual(ids, rows.slice(prompt.length - 1, -1).map(argmax));
  await session.dispose();
});

test("maxTokens bounds the tokens, and the context does where it is left out", async () => {
  const session = await engine.session();
  const { contextLength } = engine.model;
  await session.prefill(randomIds(engine, contextLength - 3, 2));
  let tokens = 0;
  for await (const _ of session.generate()) tokens++;
  assert.ok(tokens <= 3);
  assert.equal(session.length, contextLength - 3 + tokens);
  await session.dispose();
});

/** Every character that a text could end with may begin one of these, so that nearly all text is held back for a step. */
const neverComing = Array.from({ length: 128 }, (_, code) => `${String.fromCharCode(code)}\u0000\u0001`);

test("the sequence holds exactly the tokens that were yielded, and their texts in a row are the text of all of them", async () => {
  let endsInsideCharacter = 0;
  for (const [seed, stop] of [1, 2, 3, 4, 5, 6].flatMap((seed) =>
    [[], neverComing].map((stop) => [seed, stop] as const),
  )) {
    const session = await engine.session();
    await session.prefill(prompt);
    const ids: number[] = [];
    let text = "";
    for await (const token of session.generate({ temperature: 3, maxTokens: 10 + seed, seed, stop })) {
      ids.push(token.tokenId);
      text += token.text;
      assert.equal(session.length, prompt.length + ids.length);
    }
    assert.equal(session.length, prompt.length + ids.length);
    assert.equal(text, engine.tokenizer.decode(ids));
    if (text.endsWith("\ufffd")) endsInsideCharacter++;
    await session.dispose();
  }
  assert.ok(endsInsideCharacter > 0);
});

test("aborting while a token's text is held back yields that token before AbortError", async () => {
  const session = await engine.session();
  await session.prefill(prompt);
  const stop = new AbortController();
  const tokens = session.generate({ ...sampled, stop: neverComing, signal: stop.signal })[Symbol.asyncIterator]();
  const first = await tokens.next();
  const second = tokens.next();
  stop.abort();
  const ids = [first.value.tokenId, (await second).value.tokenId];
  await assert.rejects(tokens.next(), { name: "AbortError" });
  assert.equal(session.length, prompt.length + 2);
  const rows = await logitsOf(engine, [...prompt, ...ids, 1]);
  assert.deepEqual(await readLogits(engine, session, [1]), rows.slice(-1));
  await session.dispose();
});

test("ignoreEnd goes on past end tokens with the same choices, up to maxTokens", async () => {
  const { endIds } = engine.tokenizer;
  const idsOf = async (options: GenerateOptions) => {
    const session = await engine.session();
    await session.prefill(prompt);
    const ids: number[] = [];
    for await (const { tokenId } of session.generate({ temperature: 5, seed: 1, maxTokens: 500, ...options }))
      ids.push(tokenId);
    await session.dispose();
    return ids;
  };
  const ended = await idsOf({});
  const whole = await idsOf({ ignoreEnd: true });
  assert.ok(ended.length < 500 && !ended.some((id) => endIds.has(id)));
  assert.equal(whole.length, 500);
  assert.deepEqual(whole.slice(0, ended.length), ended);
  assert.ok(endIds.has(whole[ended.length]));
});
