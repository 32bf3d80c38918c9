/** What an engine and its sessions say they take is what pages should cost. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { load } from "../../src/index.ts";
import { floatPageBytes, int8PageBytes } from "../../src/ops/attention.ts";
import { modelPath } from "../support/models.ts";
import { planWith, randomIds } from "../support/sessions.ts";

/** SmolLM2-135M. */
const NUM_LAYERS = 30;
const NUM_KV_HEADS = 3;
const HEAD_DIM = 64;
const HEADS = NUM_LAYERS * NUM_KV_HEADS;
/** Addresses of the pages of a full context, and one more. */
const TABLE_BYTES = 4 * (8192 / 64 + 1);

const engine = await load(await modelPath("smollm2-135m"));
after(() => engine.dispose());

const pageBytes = { f32: floatPageBytes(HEAD_DIM), q8: int8PageBytes(HEAD_DIM) };

for (const format of ["f32", "q8"] as const)
  test(`${format} pages: a session costs a table, an open page of 33,024 bytes and ${pageBytes[format]} bytes a full page, for each of 90 heads`, async () => {
    const session = await engine.session({ plan: planWith(format) });
    const fixed = HEADS * (TABLE_BYTES + 33_024);
    assert.deepEqual(await session.memory(), { pages: HEADS, cacheBytes: fixed });
    let length = 0;
    for (const [tokens, fullPages] of [
      [63, 0],
      [1, 1],
      [1, 1],
      [600, 10],
    ]) {
      await session.prefill(randomIds(engine, tokens, tokens));
      length += tokens;
      assert.equal(Math.floor(length / 64), fullPages);
      assert.deepEqual(await session.memory(), {
        pages: HEADS * (fullPages + 1),
        cacheBytes: fixed + HEADS * fullPages * pageBytes[format],
      });
    }
    await session.dispose();
  });

test("pages by hand: 64 slots of f32 keys and values or of one byte each with 12 bytes of scales a channel, 256 bytes of positions", () => {
  assert.deepEqual(pageBytes, { f32: 256 + 2 * 64 * 64 * 4, q8: 256 + 2 * 64 * 64 + 64 * 12 });
});

test("the engine's cache is the sum of its sessions', and nothing once they are disposed", async () => {
  const before = await engine.memory();
  assert.equal(before.cacheBytes, 0);
  const sessions = [await engine.session({ plan: planWith("q8") }), await engine.session({ plan: planWith("f32") })];
  for (const [i, session] of sessions.entries()) await session.prefill(randomIds(engine, 200 + 100 * i, i));
  const [q8, f32] = await Promise.all(sessions.map((session) => session.memory()));
  const { cacheBytes, weightBytes, workBytes, totalBytes } = await engine.memory();
  assert.equal(cacheBytes, q8.cacheBytes + f32.cacheBytes);
  assert.ok(weightBytes + workBytes + cacheBytes <= totalBytes);
  await Promise.all(sessions.map((session) => session.dispose()));
  assert.deepEqual(await engine.memory(), { weightBytes, workBytes, totalBytes, cacheBytes: 0 });
});

test("a token of q8 costs less than a third of a token of f32", () => {
  assert.ok(pageBytes.q8 * 3 < pageBytes.f32);
});

test("weights take at most a tenth more than the file, which keeps them as compact", async () => {
  const { weightBytes } = await engine.memory();
  const { fileBytes } = engine.model;
  assert.ok(weightBytes < 1.1 * fileBytes && weightBytes > 0.9 * fileBytes, `${weightBytes} of ${fileBytes}`);
});
