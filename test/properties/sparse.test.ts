/** Sparse prefill and sparse decode: where they leave nothing out they are full attention; what they leave out is not seen; chunks do not matter. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { parsePlan } from "../../src/context/plan.ts";
import { loadEngine } from "../../src/engine/load.ts";
import type { Engine, Session } from "../../src/index.ts";
import { loadTiny, randomIds, readLogits, testHost, writeModel } from "../support/sessions.ts";
import { tinyModel } from "../support/tiny-model.ts";

const qwen = await loadTiny("qwen2-q8_0");
const gemma = await loadTiny("gemma3-f16");
const oneLayer = await loadEngine(testHost(), writeModel(tinyModel("llama", { layers: 1, contextLength: 4096 })));
after(() => Promise.all([qwen, gemma, oneLayer].map((engine) => engine.dispose())));

const sparse = {
  "sink-window": { method: "sink-window", sinks: 64, window: 128, denseBelow: 0 },
  triangle: { method: "triangle", from: 1, window: 128, last: 70, denseBelow: 128 },
  "vertical-slash": { method: "vertical-slash", vertical: 64, slash: 128, span: 128, denseBelow: 128 },
  flex: { method: "flex", mass: 0.5, threshold: 0.3, span: 128, denseBelow: 0 },
  "block-sparse": { method: "block-sparse", mass: 0.4, denseBelow: 0 },
  "block-sparse, stride 8": { method: "block-sparse", mass: 0.4, stride: 8, denseBelow: 0 },
} as const;

/** The logits of all tokens. */
async function read(
  engine: Engine,
  ids: readonly number[],
  plan: object,
  prefillChunk?: number,
): Promise<Float32Array[]> {
  const session = await engine.session({ plan: parsePlan(plan), prefillChunk });
  const rows = await readLogits(engine, session, ids);
  await session.dispose();
  return rows;
}

async function densityOf(session: Session): Promise<number> {
  const counts = await session.seenPages();
  return counts.reduce((sum, { seen }) => sum + seen, 0) / counts.reduce((sum, { all }) => sum + all, 0);
}

for (const [name, engine] of Object.entries({ qwen, gemma }))
  for (const [id, prefill] of Object.entries({
    "a mass of 1": { method: "block-sparse", mass: 1, denseBelow: 0 },
    "a window of everything": { method: "sink-window", window: 4096, denseBelow: 0 },
    "a flexible mass of 1": { method: "flex", mass: 1, span: 64, denseBelow: 0 },
    "a text below denseBelow": { ...sparse["block-sparse"], denseBelow: 640 },
  }))
    test(`${name}, ${id}: the logits of full attention, bit for bit`, async () => {
      const ids = randomIds(engine, 600, 1);
      assert.deepEqual(await read(engine, ids, { prefill }), await read(engine, ids, {}));
    });

test("block-sparse: sums along antidiagonals of 8 see other pages than those of 16", async () => {
  const ids = randomIds(qwen, 600, 2);
  const { "block-sparse": by16, "block-sparse, stride 8": by8 } = sparse;
  assert.notDeepEqual(await read(qwen, ids, { prefill: by8 }), await read(qwen, ids, { prefill: by16 }));
});

for (const [id, prefill] of Object.entries(sparse))
  test(`${id}: less is seen, and the chunks that a prompt is read in change no logit`, () =>
    fc.assert(
      fc.asyncProperty(fc.integer({ min: 300, max: 800 }), fc.integer({ min: 1, max: 300 }), async (length, chunk) => {
        const ids = randomIds(qwen, length, length);
        const whole = await read(qwen, ids, { prefill });
        assert.deepEqual(await read(qwen, ids, { prefill }, chunk), whole);
        assert.notDeepEqual(await read(qwen, ids, {}), whole);
        const session = await qwen.session({ plan: parsePlan({ prefill }) });
        await session.prefill(ids);
        assert.ok((await densityOf(session)) < 0.95, `density ${await densityOf(session)}`);
        await session.dispose();
      }),
      { numRuns: 4, seed: 1 },
    ));

test("sink-window: with one layer, a token in a page that is not seen changes nothing, one in a page that is does", async () => {
  const ids = randomIds(oneLayer, 1024, 1);
  const prefill = { method: "sink-window", sinks: 64, window: 128, denseBelow: 0 };
  const before = await read(oneLayer, ids, { prefill });
  const changed = (at: number) => ids.map((id, n) => (n === at ? (id + 1) % 250 : id));
  const unseen = await read(oneLayer, changed(300), { prefill });
  // Page 4 is seen by blocks 4, 5 and 6.
  assert.deepEqual(unseen.slice(7 * 64), before.slice(7 * 64));
  assert.notDeepEqual(unseen[6 * 64], before[6 * 64]);
  const sink = await read(oneLayer, changed(30), { prefill });
  assert.notDeepEqual(sink[1000], before[1000]);
});

for (const [id, prefill] of Object.entries(sparse))
  test(`${id}: later blocks change nothing in what was read before`, async () => {
    const ids = randomIds(qwen, 640, 3);
    const rows = await read(qwen, ids, { prefill });
    const others = await read(qwen, [...ids.slice(0, 512), ...randomIds(qwen, 128, 4)], { prefill });
    const end = id === "triangle" ? 512 - 64 : 512;
    assert.deepEqual(others.slice(0, end), rows.slice(0, end));
  });

const topk = { budget: 256, denseLayers: 0, every: 2, window: 64 };
for (const method of ["page-topk", "retrieval"]) {
  test(`${method}: a budget of the whole text writes what full attention writes, with the same logits bit for bit`, async () => {
    const ids = randomIds(qwen, 700, 5);
    assert.deepEqual(
      await written(qwen, ids, { decode: { method, ...topk, budget: 1024 } }),
      await written(qwen, ids, {}),
    );
  });

  test(`${method}: a small budget sees other pages than full attention, the same ones in a fork, and none that were cut`, async () => {
    const ids = randomIds(qwen, 900, 6);
    const plan = { decode: { method, ...topk } };
    const first = await written(qwen, ids, plan);
    assert.notDeepEqual(first, await written(qwen, ids, {}));
    const session = await qwen.session({ plan: parsePlan(plan) });
    await session.prefill(ids);
    const fork = await session.fork();
    const texts: unknown[] = [];
    for (const each of [session, fork]) texts.push(await tokensOf(each));
    assert.deepEqual(texts, [first, first]);
    await fork.truncate(832);
    await fork.prefill(ids.slice(832));
    assert.deepEqual(await tokensOf(fork), first);
    await Promise.all([session.dispose(), fork.dispose()]);
  });
}

test("steps of several sessions under page-topk are those of each alone", async () => {
  const plan = parsePlan({ decode: { method: "page-topk", ...topk } });
  const sessions = await Promise.all(
    [800, 520, 900].map(async (length, n) => {
      const session = await qwen.session({ plan });
      await session.prefill(randomIds(qwen, length, n));
      return session;
    }),
  );
  const forks = await Promise.all(sessions.map((session) => session.fork()));
  const together = await Promise.all(sessions.map(tokensOf));
  for (const [n, fork] of forks.entries()) assert.deepEqual(await tokensOf(fork), together[n]);
  await Promise.all([...sessions, ...forks].map((session) => session.dispose()));
});

/** 90 tokens, past the end of a page, with their probabilities. */
async function tokensOf(session: Session) {
  const tokens: unknown[] = [];
  for await (const { tokenId, logProb } of session.generate({ maxTokens: 90, ignoreEnd: true, logProbs: 0 }))
    tokens.push([tokenId, logProb]);
  return tokens;
}

async function written(engine: Engine, ids: readonly number[], plan: object) {
  const session = await engine.session({ plan: parsePlan(plan) });
  await session.prefill(ids);
  const tokens = await tokensOf(session);
  await session.dispose();
  return tokens;
}

for (const method of ["page-topk", "retrieval"]) {
  test(`${method}: after a cut, another text is written on as if it alone had been read`, async () => {
    const plan = parsePlan({ decode: { method, ...topk } });
    const ids = randomIds(oneLayer, 900, 7);
    const others = randomIds(oneLayer, 600, 8);
    const session = await oneLayer.session({ plan });
    await session.prefill(ids);
    await tokensOf(session);
    await session.truncate(320);
    await session.prefill(others);
    assert.deepEqual(await tokensOf(session), await written(oneLayer, [...ids.slice(0, 320), ...others], plan));
    await session.dispose();
  });

  test(`${method} beside dropping: heads that hold different numbers of pages see their own, whatever was in memory before`, async () => {
    const cache = { score: "key-diff", allocation: "adaptive", budget: 500, window: 64 };
    const plan = { cache, decode: { method, ...topk } };
    const ids = randomIds(qwen, 1000, 9);
    const first = await written(qwen, ids, plan);
    await written(qwen, randomIds(qwen, 2000, 10), { decode: { method, ...topk } });
    assert.deepEqual(await written(qwen, ids, plan), first);
    const session = await qwen.session({ plan: parsePlan(plan) });
    await session.prefill(ids);
    const lengths = (await session.kept()).map(({ positions }) => Math.floor(positions.length / 64));
    assert.ok(new Set(lengths).size > 1, "heads differ");
    await session.dispose();
  });
}

test("triangle, layer by layer: as much is seen as chunk by chunk, in chunks of any size", async () => {
  const ids = randomIds(qwen, 700, 11);
  const densities = await Promise.all(
    [
      { schedule: "after-prefill", chunk: 512 },
      { schedule: "layer-major", chunk: 512 },
      { schedule: "layer-major", chunk: 100 },
    ].map(async ({ schedule, chunk }) => {
      const cache = { score: "key-norm", budget: 600, schedule };
      const plan = parsePlan({ cache, prefill: sparse.triangle });
      const session = await qwen.session({ plan, prefillChunk: chunk });
      await session.prefill(ids);
      const density = await densityOf(session);
      await session.dispose();
      return density;
    }),
  );
  assert.equal(new Set(densities).size, 1, `densities ${densities}`);
});

for (const [id, prefill] of Object.entries(sparse))
  test(`${id}: what follows a stored beginning is as if all had been read, and patterns are not stored`, async () => {
    const blocks = new Map<string, Uint8Array>();
    const store = {
      get: async (key: string) => blocks.get(key),
      put: async (key: string, payload: Uint8Array) => void blocks.set(key, payload),
    };
    const ids = randomIds(qwen, 700, 12);
    const plan = parsePlan({ prefill });
    const results: unknown[] = [];
    const restored: number[] = [];
    for (const end of [600, 700]) {
      const session = await qwen.session({ plan, store });
      await session.prefill(ids.slice(0, end));
      if (end === 700) results.push(await tokensOf(session));
      restored.push(session.restored);
      await session.dispose();
    }
    assert.deepEqual(results, [await written(qwen, ids, plan)]);
    const hasPattern = id === "vertical-slash" || id === "flex";
    assert.deepEqual(restored, [0, hasPattern ? 0 : id === "triangle" ? 512 : 576]);
    assert.equal(blocks.size > 0, !hasPattern);
  });

test("page-topk with guessed tokens: the same tokens and probabilities bit for bit, with guesses right and wrong", async () => {
  const unit = randomIds(qwen, 23, 1);
  let accepted = 0;
  let rejected = 0;
  for (const length of [600, 655, 700, 810]) {
    const ids = Array.from({ length }, (_, n) => (n % 97 === 0 ? n % 250 : unit[n % 23]));
    for (const every of [1, 3, 4]) {
      const plan = { decode: { method: "page-topk", ...topk, every } };
      const session = await qwen.session({ plan: parsePlan({ ...plan, speculate: "prompt-lookup" }) });
      await session.prefill(ids);
      assert.deepEqual(await tokensOf(session), await written(qwen, ids, plan));
      accepted += session.speculation?.accepted ?? 0;
      rejected += (session.speculation?.drafted ?? 0) - (session.speculation?.accepted ?? 0);
      await session.dispose();
    }
  }
  assert.ok(accepted > 0 && rejected > 0, `${accepted} right, ${rejected} wrong`);
});
