/** Prompts under a plan that selects: those with a common beginning share what the lower layers read, and get the logits of their own reading. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { loadTiny, randomIds, readLogits } from "../../test/support/sessions.ts";
import { type Plan, parsePlan } from "../context/plan.ts";
import type { Session } from "../engine/types.ts";
import { PrefixPool } from "./prefix-pool.ts";

const engine = await loadTiny("qwen2-q8_0");
after(() => engine.dispose());

const text = randomIds(engine, 600, 1);
const next = randomIds(engine, 12, 2);
const fastkv = { method: "fastkv", layer: 2, window: 16, keep: 200, least: 256 };
const promptOf = (common: number, rest: number, seed: number) =>
  Int32Array.from([...text.slice(0, common), ...randomIds(engine, rest, seed)]);

async function withPool(use: (pool: PrefixPool) => Promise<void>): Promise<void> {
  const { cacheBytes } = await engine.memory();
  const pool = new PrefixPool({ engine, maxBytes: 1 << 30 });
  await use(pool);
  await pool.clear();
  assert.equal((await engine.memory()).cacheBytes, cacheBytes);
}

async function stateOf(session: Session) {
  const kept = await session.kept();
  const logits = await readLogits(engine, session, next);
  await session.dispose();
  return { kept, logits };
}

async function alone(plan: Plan, ids: Int32Array) {
  const session = await engine.session({ plan });
  await session.prefill(ids);
  return stateOf(session);
}

for (const [name, plan] of Object.entries({
  fastkv: parsePlan({ prefill: { select: fastkv } }),
  "fastkv and block-sparse": parsePlan({ prefill: { method: "block-sparse", denseBelow: 0, select: fastkv } }),
  "fastkv and snapkv": parsePlan({
    prefill: { select: fastkv },
    cache: { score: { method: "snapkv", window: 16, kernel: 5 }, budget: 100, sinks: 0, window: 0 },
  }),
}))
  test(`${name}: other questions about one text, a longer and a shorter text, and the same again: each as read alone`, () =>
    withPool(async (pool) => {
      const prompts = [
        { ids: promptOf(600, 40, 1), cached: [0, 0] },
        { ids: promptOf(600, 50, 2), cached: [500, 600] },
        { ids: Int32Array.from([...promptOf(600, 50, 2), ...randomIds(engine, 60, 3)]), cached: [500, 650] },
        { ids: promptOf(600, 50, 2), cached: [650, 650] },
        { ids: promptOf(150, 50, 4), cached: [0, 0] },
        { ids: promptOf(150, 60, 5), cached: [100, 150] },
        { ids: promptOf(150, 200, 6), cached: [60, 150] },
      ];
      for (const [i, { ids, cached }] of prompts.entries()) {
        const { session, cachedTokens } = await pool.read(plan, ids, {});
        assert.ok(cachedTokens >= cached[0] && cachedTokens <= cached[1], `${i}: ${cachedTokens} tokens`);
        assert.deepEqual(await stateOf(session), await alone(plan, ids), `prompt ${i}`);
      }
    }));

test("a reading that is broken off leaves nothing that another prompt goes on from wrongly", () =>
  withPool(async (pool) => {
    const plan = parsePlan({ prefill: { select: fastkv } });
    const ids = promptOf(600, 300, 7);
    await pool.read(plan, promptOf(600, 40, 1), {}).then(({ session }) => session.dispose());
    for (const atOnce of [true, false]) {
      const controller = new AbortController();
      const onProgress = () => controller.abort();
      if (atOnce) controller.abort();
      await assert.rejects(pool.read(plan, ids, { signal: controller.signal, onProgress }), { name: "AbortError" });
    }
    for (const other of [ids, promptOf(560, 30, 8), promptOf(500, 10, 9), promptOf(600, 40, 1)]) {
      const { session } = await pool.read(plan, other, {});
      assert.deepEqual(await stateOf(session), await alone(plan, other));
    }
  }));

test("chosen tokens that begin again are no beginning for others: nothing is kept", () =>
  withPool(async (pool) => {
    const plan = parsePlan({ prefill: { select: { ...fastkv, method: "gemfilter" } } });
    for (const seed of [1, 2]) {
      const { session, cachedTokens } = await pool.read(plan, promptOf(600, 40, seed), {});
      assert.deepEqual([cachedTokens, pool.size], [0, 0]);
      await session.dispose();
    }
  }));
