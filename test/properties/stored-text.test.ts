/** Texts that go on from stored blocks are those that were read. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { parsePlan } from "../../src/context/plan.ts";
import { loadEngine } from "../../src/engine/load.ts";
import type { BlockAbout, BlockStore, Engine } from "../../src/engine/types.ts";
import { loadTiny, randomIds, testHost, textOf, writeModel } from "../support/sessions.ts";
import { tinyModel } from "../support/tiny-model.ts";

const windowed = tinyModel("gemma3", { layers: 7, slidingWindow: 150, contextLength: 2048 });
const names = ["full attention", "sliding windows of 150"];
const qwen = await loadTiny("qwen2-q8_0");
const engines = [qwen, await loadEngine(testHost({ availableThreads: () => 2 }), writeModel(windowed))];
after(() => Promise.all(engines.map((engine) => engine.dispose())));

class MemoryStore implements BlockStore {
  readonly blocks = new Map<string, { payload: Uint8Array; about: BlockAbout }>();
  async get(key: string) {
    return this.blocks.get(key)?.payload;
  }
  async put(key: string, payload: Uint8Array, about: BlockAbout) {
    this.blocks.set(key, { payload, about });
  }
}

/** The logits after a text, and how many of its tokens came from the store. */
async function read(engine: Engine, ids: number[], options: { store?: BlockStore; plan?: object; chunk?: number }) {
  const { store, plan = {}, chunk } = options;
  const session = await engine.session({ plan: parsePlan(plan), store, prefillChunk: chunk });
  await session.prefill(ids);
  const { restored } = session;
  const kept = await session.kept();
  const text = await textOf(session, { maxTokens: 8 });
  await session.dispose();
  return { restored, text, kept };
}

for (const [i, name] of names.entries())
  for (const format of ["q8", "f32", "q4"])
    test(`${name}, ${format} pages: what follows a stored beginning is written as if all had been read, whatever the chunks were`, () =>
      fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 700 }),
          fc.integer({ min: 0, max: 700 }),
          fc.integer({ min: 1, max: 200 }),
          fc.constantFrom(512, 100, 64),
          async (before, common, behind, chunk) => {
            const engine = engines[i];
            const store = new MemoryStore();
            const first = randomIds(engine, before, 1);
            const second = [...first.slice(0, common), ...randomIds(engine, behind, 2)];
            const plan = { cache: { format } };
            await read(engine, first, { store, plan, chunk });
            const { restored, ...got } = await read(engine, second, { store, plan });
            const { restored: none, ...expected } = await read(engine, second, { plan });
            assert.deepEqual(got, expected);
            assert.equal(none, 0);
            const most = 64 * Math.floor((second.length - 9) / 64);
            assert.ok(restored % 64 === 0 && restored <= Math.max(0, most) && restored <= common);
            if (before % chunk === 0 || before % chunk > 8)
              assert.equal(restored, Math.max(0, Math.min(most, 64 * Math.floor(Math.min(common, before) / 64))));
          },
        ),
        { numRuns: 8, seed: 3 },
      ));

test("scores that look at the last queries keep what they would; those that sum over the text read it again", async () => {
  const ids = randomIds(qwen, 500, 1);
  for (const score of ["snapkv", "key-diff", "attention-sum", "expected-attention", "kvzip"]) {
    const store = new MemoryStore();
    const plan = { cache: { score, budget: 200, sinks: 4, window: 20 } };
    await read(qwen, ids.slice(0, 400), { store });
    const { restored, ...got } = await read(qwen, ids, { store, plan });
    const { restored: _, ...expected } = await read(qwen, ids, { plan });
    assert.deepEqual(got, expected, score);
    assert.equal(restored > 0, score === "snapkv" || score === "key-diff", score);
  }
});

test("another format, other positions and another model find nothing; re-indexed positions and dropping while reading store nothing wrong", async () => {
  const store = new MemoryStore();
  const ids = randomIds(qwen, 300, 1);
  await read(qwen, ids, { store });
  assert.equal(store.blocks.size, 4);
  for (const plan of [{ cache: { format: "q4" } }, { position: { method: "linear", factor: 2 } }])
    assert.equal((await read(qwen, ids, { store, plan })).restored, 0);
  assert.equal(
    (
      await read(
        engines[1],
        ids.map((id) => id % 200),
        { store },
      )
    ).restored,
    0,
  );
  const size = store.blocks.size;
  const rerope = { position: { method: "rerope", window: 64 } };
  assert.equal((await read(qwen, ids, { store, plan: rerope })).restored, 0);
  assert.equal(store.blocks.size, size);
  const streaming = {
    cache: { score: "key-diff", schedule: { method: "streaming", every: 64 }, budget: 128, sinks: 4, window: 32 },
  };
  await read(qwen, randomIds(qwen, 300, 5), { store, plan: streaming });
  const { restored, ...got } = await read(qwen, randomIds(qwen, 300, 5), { store });
  const { restored: _, ...expected } = await read(qwen, randomIds(qwen, 300, 5), {});
  assert.deepEqual(got, expected);
  assert.ok(restored <= 64);
});

test("a block whose tokens or predecessor are others is not taken, nor what follows it", async () => {
  const ids = randomIds(qwen, 400, 1);
  for (const at of [0, 32 + 17]) {
    const store = new MemoryStore();
    await read(qwen, ids, { store });
    const third = [...store.blocks.values()].find(({ about }) => about.tokens === 192);
    if (third) third.payload[at] ^= 1;
    assert.equal((await read(qwen, ids, { store })).restored, 128);
  }
});

test("what was generated is not stored; what is read behind a cut is", async () => {
  const store = new MemoryStore();
  const ids = randomIds(qwen, 200, 1);
  const session = await qwen.session({ store });
  await session.prefill(ids);
  await textOf(session, { maxTokens: 80, ignoreEnd: true });
  await session.prefill(randomIds(qwen, 100, 2));
  assert.deepEqual(
    [...store.blocks.values()].map(({ about }) => about.tokens),
    [64, 128, 192],
  );
  await session.truncate(200);
  const more = [...ids.slice(0, session.length), ...randomIds(qwen, 100, 3)];
  await session.prefill(more.slice(session.length));
  await session.dispose();
  assert.equal(store.blocks.size, 3 + Math.floor(more.length / 64) - 3);
  assert.equal(
    (await read(qwen, [...more, ...randomIds(qwen, 70, 4)], { store })).restored,
    64 * Math.floor(more.length / 64),
  );
});

test("what was computed as steps, in chunks of at most 8 tokens, is not stored, nor what follows it", async () => {
  const ids = randomIds(qwen, 300, 1);
  const steps = new MemoryStore();
  await read(qwen, ids, { store: steps, chunk: 8 });
  assert.equal(steps.blocks.size, 0);
  const mixed = new MemoryStore();
  const session = await qwen.session({ store: mixed });
  for (const [begin, end] of [
    [0, 100],
    [100, 108],
    [108, 300],
  ])
    await session.prefill(ids.slice(begin, end));
  await session.dispose();
  assert.deepEqual(
    [...mixed.blocks.values()].map(({ about }) => about.tokens),
    [64],
  );
});

test("a store that cannot write does not end the reading", async () => {
  let puts = 0;
  const store: BlockStore = {
    get: async () => undefined,
    put: async () => {
      puts++;
      throw new Error("no space left");
    },
  };
  const ids = randomIds(qwen, 700, 1);
  const { text } = await read(qwen, ids, { store, chunk: 64 });
  assert.equal(text, (await read(qwen, ids, {})).text);
  assert.ok(puts <= 3, `${puts} tries`);
});

test("what is left behind a stored beginning may end anywhere in a chunk of 512: 1 to 12 tokens after it give the same logits, bit for bit", async () => {
  const logProbOf = async (ids: number[], store?: BlockStore) => {
    const session = await qwen.session({ store });
    await session.prefill(ids);
    for await (const { logProb } of session.generate({ maxTokens: 1, logProbs: 0, ignoreEnd: true })) {
      const { restored } = session;
      await session.dispose();
      return { logProb, restored };
    }
    return undefined;
  };
  const ids = randomIds(qwen, 256 + 512 + 12, 11);
  const store = new MemoryStore();
  await logProbOf(ids.slice(0, 260), store);
  for (let behind = 1; behind <= 12; behind++) {
    const text = ids.slice(0, 768 + behind);
    const copy = new MemoryStore();
    for (const [key, block] of store.blocks) copy.blocks.set(key, block);
    const stored = await logProbOf(text, copy);
    assert.equal(stored?.restored, 256);
    assert.equal(stored?.logProb, (await logProbOf(text))?.logProb, `${behind} tokens behind`);
  }
});

test("a text's keys are those under which its blocks were put, in order, and differ by plan", async () => {
  const store = new MemoryStore();
  const ids = randomIds(qwen, 200, 9);
  await read(qwen, ids, { store, plan: { cache: { format: "q4" } } });
  assert.deepEqual(await qwen.textKeys(ids, parsePlan({ cache: { format: "q4" } })), [...store.blocks.keys()]);
  assert.equal(store.blocks.size, 3);
  assert.ok((await qwen.textKeys(ids)).every((key) => !store.blocks.has(key)));
});
