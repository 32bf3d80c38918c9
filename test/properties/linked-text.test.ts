/** Documents that were read by themselves, put together in any order and from a store. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { linkTexts, partsAround } from "../../src/engine/linked-text.ts";
import { loadEngine } from "../../src/engine/load.ts";
import type { BlockStore, Engine, Session } from "../../src/engine/types.ts";
import { type ChatMessage, renderChat } from "../../src/tokenizer/chat-template.ts";
import { loadTiny, planWith, randomIds, readLogits, testHost, writeModel } from "../support/sessions.ts";
import { tinyModel } from "../support/tiny-model.ts";

const qwen = await loadTiny("qwen2-q8_0");
const oneLayer = await loadEngine(
  testHost({ availableThreads: () => 2 }),
  writeModel(tinyModel("llama", { layers: 1, seed: 3 })),
);
after(() => Promise.all([qwen, oneLayer].map((engine) => engine.dispose())));

class MemoryStore implements BlockStore {
  readonly blocks = new Map<string, Uint8Array>();
  async get(key: string) {
    return this.blocks.get(key);
  }
  async put(key: string, payload: Uint8Array) {
    this.blocks.set(key, payload);
  }
}

/** Ids of a length; the seed tells documents apart. */
function idsOf(engine: Engine, length: number, seed: number): Int32Array {
  return Int32Array.from(randomIds(engine, length, seed));
}

async function logitsBehind(engine: Engine, session: Session): Promise<Float32Array[]> {
  const rows = await readLogits(engine, session, idsOf(engine, 20, 99));
  await session.dispose();
  return rows;
}

/** The logits behind texts that were read as one. */
async function exactLogits(engine: Engine, pieces: readonly Int32Array[], format: "f32" | "q8", store?: BlockStore) {
  const session = await engine.session({ plan: planWith(format), store });
  await session.prefill(pieces.flatMap((ids) => [...ids]));
  const { restored } = session;
  return { restored, rows: await logitsBehind(engine, session) };
}

for (const format of ["f32", "q8"] as const)
  test(`${format} pages: documents computed anew as a whole, or a single one, are an exact reading bit for bit`, async () => {
    const head = idsOf(qwen, 30, 1);
    const documents = [idsOf(qwen, 100, 2), idsOf(qwen, 70, 3), idsOf(qwen, 9, 4)];
    const plan = planWith(format);
    const whole = await linkTexts(qwen, { head, documents }, { plan, recompute: 100 });
    assert.equal(whole.readTokens, 209);
    const exact = await exactLogits(qwen, [head, ...documents], format);
    assert.deepEqual(await logitsBehind(qwen, whole.session), exact.rows);
    const one = await linkTexts(qwen, { head, documents: documents.slice(0, 1) }, { plan });
    const alone = await exactLogits(qwen, [head, documents[0]], format);
    assert.deepEqual(await logitsBehind(qwen, one.session), alone.rows);
  });

test("one layer, f32 pages: documents in any order, of any length, behind any head, with any tokens computed anew, give the logits of reading them there within 1e-3", () =>
  fc.assert(
    fc.asyncProperty(
      fc.nat(80),
      fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 4 }),
      fc.nat(70),
      fc.boolean(),
      async (before, lengths, recompute, isolated) => {
        const head = idsOf(oneLayer, before, 1);
        const documents = lengths.map((length, i) => idsOf(oneLayer, length, i + 2));
        const { session } = await linkTexts(
          oneLayer,
          { head, documents },
          { plan: planWith("f32"), recompute, isolated },
        );
        assert.equal(session.length, before + lengths.reduce((sum, length) => sum + length));
        const rows = await logitsBehind(oneLayer, session);
        const expected = await exactLogits(oneLayer, [head, ...documents], "f32");
        const difference = Math.max(
          ...rows.flatMap((row, i) => Array.from(row, (value, id) => Math.abs(value - expected.rows[i][id]))),
        );
        assert.ok(difference < 1e-3, `differ by ${difference}`);
      },
    ),
    { numRuns: 10, seed: 2 },
  ));

test("in another order, whole blocks come from the store; what is computed is what follows them and the first tokens, and the logits are those without a store", async () => {
  const head = idsOf(qwen, 30, 1);
  const documents = [200, 300, 250].map((length, i) => idsOf(qwen, length, i + 2));
  const store = new MemoryStore();
  const first = await linkTexts(qwen, { head, documents }, { store });
  assert.equal(first.readTokens, 246 + 320 + 26 + 256 + 24);
  await first.session.dispose();
  const turned = { head, documents: [documents[2], documents[0]] };
  const again = await linkTexts(qwen, turned, { store });
  assert.equal(again.readTokens, 40 + 38);
  const fresh = await linkTexts(qwen, turned);
  assert.deepEqual(await logitsBehind(qwen, again.session), await logitsBehind(qwen, fresh.session));
});

for (const isolated of [false, true])
  test(`documents read ${isolated ? "alone" : "behind the head"}: no exact reading ever meets pages that were linked, whatever was read, written or copied behind them`, async () => {
    const store = new MemoryStore();
    const head = idsOf(qwen, 70, 1);
    const documents = [200, 300].map((length, i) => idsOf(qwen, length, i + 2));
    const { session } = await linkTexts(qwen, { head, documents }, { store, isolated });
    const { size } = store.blocks;
    const behind = idsOf(qwen, 180, 7);
    await session.prefill(behind.subarray(0, 100));
    const copy = await session.fork();
    await copy.prefill(behind.subarray(100));
    await session.prefill(behind.subarray(100));
    await Promise.all([session, copy].map((each) => each.dispose()));
    assert.equal(store.blocks.size, size);
    const pieces = [head, ...documents, behind];
    const got = await exactLogits(qwen, pieces, "q8", store);
    const exactTokens = isolated ? 70 : 270;
    assert.equal(got.restored, 64 * Math.floor(exactTokens / 64));
    assert.deepEqual(got.rows, (await exactLogits(qwen, pieces, "q8")).rows);
  });

test("progress never goes back and ends with all tokens; breaking off and closing gives all memory back", async () => {
  const { cacheBytes } = await qwen.memory();
  const head = idsOf(qwen, 30, 1);
  const documents = [700, 600, 50].map((length, i) => idsOf(qwen, length, i + 2));
  const seen: number[] = [];
  const { session } = await linkTexts(
    qwen,
    { head, documents },
    {
      onProgress: (done, total) => {
        assert.equal(total, 1380);
        seen.push(done);
      },
    },
  );
  await session.dispose();
  assert.deepEqual(
    seen,
    [...seen].sort((a, b) => a - b),
  );
  assert.equal(seen.at(-1), 1380);
  const stop = new AbortController();
  const broken = linkTexts(
    qwen,
    { head, documents },
    { signal: stop.signal, onProgress: (done) => done > 900 && stop.abort() },
  );
  await assert.rejects(broken, { name: "AbortError" });
  assert.equal((await qwen.memory()).cacheBytes, cacheBytes);
});

test("what stands around a text in a chat is the same for every text, and together with it the whole prompt", () => {
  const { tokenizer } = qwen;
  const chat = (content: string): ChatMessage[] => [
    { role: "system", content: "Be brief." },
    { role: "user", content: `${content}\n\nWho?` },
  ];
  const { head, rest } = partsAround((text) => renderChat(tokenizer, chat(text)));
  for (const text of ["The inn.", "42"]) {
    const ids = [...head, ...tokenizer.encode(text, { bos: false }), ...rest];
    assert.equal(
      tokenizer.decode(ids, { special: true }),
      tokenizer.decode(renderChat(tokenizer, chat(text)), { special: true }),
    );
  }
});
