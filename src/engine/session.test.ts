import assert from "node:assert/strict";
import { after, test } from "node:test";
import { loadTiny, logitsOf, planWith, randomIds, readLogits, textOf } from "../../test/support/sessions.ts";
import { CapacityError, InputError } from "../runtime/errors.ts";

const engine = await loadTiny("llama-q4_0");
after(() => engine.dispose());
const { contextLength, vocabularySize } = engine.model;

function inputError(message: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof InputError && message.test(error.message);
}

test("an empty prompt is refused", async () => {
  const session = await engine.session();
  await assert.rejects(session.prefill([]), inputError(/expected at least one token, got none/));
  assert.equal(session.length, 0);
});

test("ids outside the vocabulary, fractions and NaN are refused with their place, before any token is read", async () => {
  const session = await engine.session();
  for (const id of [vocabularySize, -1, 0.5, Number.NaN]) {
    const expected = new RegExp(`token 2: expected an id from 0 to ${vocabularySize - 1}, got ${id}`);
    await assert.rejects(session.prefill([1, 2, id]), inputError(expected));
  }
  assert.equal(session.length, 0);
  await session.prefill([0, vocabularySize - 1]);
  assert.equal(session.length, 2);
});

test("a prompt longer than the context is refused with both numbers, also when the session holds tokens already", async () => {
  const session = await engine.session();
  const refused = (error: unknown) => {
    assert.ok(error instanceof CapacityError);
    assert.match(error.message, /2,049 tokens, .* 2,048\. Shorten/);
    assert.deepEqual([error.expected, error.got], [2048, 2049]);
    return true;
  };
  assert.equal(contextLength, 2048);
  await assert.rejects(session.prefill(randomIds(engine, 2049, 1)), refused);
  assert.equal(session.length, 0);
  await session.prefill(randomIds(engine, 100, 1));
  await assert.rejects(session.prefill(randomIds(engine, 1949, 2)), refused);
  assert.equal(session.length, 100);
  await session.prefill(randomIds(engine, 1948, 2));
  assert.equal(session.length, 2048);
  assert.equal(await textOf(session, {}), "", "a full context leaves no room to generate");
  await session.dispose();
});

test("generating from an empty session is refused", async () => {
  const session = await engine.session();
  await assert.rejects(textOf(session, {}), inputError(/session is empty\. Call prefill\(\) first/));
});

test("sampling options out of range are refused and leave the session usable", async () => {
  const session = await engine.session();
  await session.prefill([1, 2, 3]);
  await assert.rejects(
    textOf(session, { temperature: -1 }),
    inputError(/temperature: expected a number from 0 to 100/),
  );
  await session.prefill([4]);
  assert.equal(session.length, 4);
});

test("a second call while one runs is refused; the first one is not disturbed", async () => {
  const session = await engine.session();
  const tokenIds = randomIds(engine, 300, 3);
  const busy = inputError(/expected one call at a time.*two sessions/);
  const first = readLogits(engine, session, tokenIds);
  await assert.rejects(session.prefill([1]), busy);
  await assert.rejects(textOf(session, {}), inputError(/empty|one call at a time/));
  assert.deepEqual(await first, await logitsOf(engine, tokenIds));
  for await (const _ of session.generate({ maxTokens: 2 })) await assert.rejects(session.prefill([1]), busy);
  await session.prefill([1]);
});

test("an aborted prefill rejects with the signal's reason, keeps whole chunks, and goes on from there", async () => {
  const tokenIds = randomIds(engine, 400, 4);
  const session = await engine.session({ prefillChunk: 100 });
  const stop = new AbortController();
  const reason = new Error("enough");
  const onProgress = (done: number) => done === 200 && stop.abort(reason);
  await assert.rejects(session.prefill(tokenIds, { onProgress, signal: stop.signal }), reason);
  assert.equal(session.length, 200);
  const rows = await readLogits(engine, session, tokenIds.slice(200));
  assert.deepEqual(rows, (await logitsOf(engine, tokenIds)).slice(200));
});

test("a signal that was aborted before stops prefill and generate before the first token", async () => {
  const session = await engine.session();
  await assert.rejects(session.prefill([1], { signal: AbortSignal.abort() }), { name: "AbortError" });
  assert.equal(session.length, 0);
  await session.prefill([1]);
  await assert.rejects(textOf(session, { signal: AbortSignal.abort() }), { name: "AbortError" });
  assert.equal(session.length, 1);
});

test("aborting between tokens ends generation with AbortError", async () => {
  const session = await engine.session();
  await session.prefill([1, 2]);
  const stop = new AbortController();
  const ids: number[] = [];
  const generation = async () => {
    for await (const { tokenId } of session.generate({ maxTokens: 50, signal: stop.signal, temperature: 1 })) {
      ids.push(tokenId);
      if (ids.length === 3) stop.abort();
    }
  };
  await assert.rejects(generation(), { name: "AbortError" });
  assert.equal(ids.length, 3);
  assert.equal(session.length, 5);
});

test("progress is told after every chunk, with the last one complete", async () => {
  const session = await engine.session({ prefillChunk: 64 });
  const seen: number[][] = [];
  await session.prefill(randomIds(engine, 150, 5), { onProgress: (done, total) => seen.push([done, total]) });
  assert.deepEqual(seen, [
    [64, 150],
    [128, 150],
    [150, 150],
  ]);
});

test("chunk sizes that the work space cannot hold are refused", async () => {
  for (const prefillChunk of [0, 513, 1.5])
    await assert.rejects(engine.session({ prefillChunk }), inputError(/prefillChunk: expected .* 1 to 512/));
});

test("a disposed session refuses calls, and disposing it twice is harmless", async () => {
  const session = await engine.session({ plan: planWith("f32") });
  await session.prefill([1, 2]);
  await session.dispose();
  await session.dispose();
  await assert.rejects(session.prefill([3]), inputError(/session: expected an open one/));
  await assert.rejects(session.memory(), inputError(/session: expected an open one/));
});

test("a disposed engine refuses calls, waiting ones included, and disposing it twice is harmless", async () => {
  const other = await loadTiny("llama-q4_0");
  const session = await other.session({ prefillChunk: 16 });
  const reading = assert.rejects(
    session.prefill(randomIds(other, 1000, 6)),
    inputError(/engine: expected a loaded one/),
  );
  await other.dispose();
  await other.dispose();
  await reading;
  assert.ok(session.length < 1000);
  await assert.rejects(other.session(), inputError(/engine: expected a loaded one/));
});
