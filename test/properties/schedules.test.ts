/** When slots are dropped: while generating, when a reading is broken off, and what going back means afterwards. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { parsePlan, type Session } from "../../src/index.ts";
import { loadTiny, randomIds, readLogits } from "../support/sessions.ts";

const engine = await loadTiny("qwen2-q8_0");
after(() => engine.dispose());

const dropping = { score: "key-diff", budget: 100, sinks: 4, window: 20 };
const open = (cache: object) => engine.session({ plan: parsePlan({ cache }) });
const mostKept = async (session: Session) =>
  Math.max(...(await session.kept()).map(({ positions }) => positions.length));

test("every-n: after reading the budget is left, while generating never more than the budget and n tokens", async () => {
  const session = await open({ ...dropping, schedule: { method: "every-n", every: 64 } });
  await session.prefill(randomIds(engine, 150, 1));
  assert.equal(await mostKept(session), 100);
  let most = 0;
  for await (const _ of session.generate({ maxTokens: 150, ignoreEnd: true }))
    most = Math.max(most, await mostKept(session));
  assert.equal(session.length, 300);
  assert.ok(most > 130 && most <= 164, `${most}`);
  assert.equal(await mostKept(session), 100 + 300 - 256, "the last multiple of 64 was at 256 tokens");
  await session.dispose();
});

test("after-prefill: nothing is dropped while generating", async () => {
  const session = await open(dropping);
  await session.prefill(randomIds(engine, 150, 1));
  for await (const _ of session.generate({ maxTokens: 80, ignoreEnd: true }));
  assert.equal(await mostKept(session), 180);
  await session.dispose();
});

test("reading layer by layer that is broken off leaves an empty session, which reads as a new one does", async () => {
  const plan = { ...dropping, schedule: "layer-major" };
  const tokenIds = randomIds(engine, 700, 1);
  const session = await open(plan);
  const controller = new AbortController();
  const broken = session.prefill(tokenIds, { signal: controller.signal, onProgress: () => controller.abort() });
  await assert.rejects(broken, { name: "AbortError" });
  assert.equal(session.length, 0);
  await session.prefill(tokenIds);
  const fresh = await open(plan);
  await fresh.prefill(tokenIds);
  assert.deepEqual(await session.kept(), await fresh.kept());
  for (const each of [session, fresh]) await each.dispose();
});

test("a session that has dropped goes back within what it read since, or to the beginning, and then reads as a new one", async () => {
  const tokenIds = randomIds(engine, 320, 1);
  const session = await open(dropping);
  await session.prefill(tokenIds.slice(0, 300));
  await session.prefill(tokenIds.slice(300), { compress: false });
  assert.equal(await session.truncate(310), 0, "the open page began before the place where slots were dropped");
  const again = await readLogits(engine, session, tokenIds.slice(0, 90));
  const fresh = await open(dropping);
  assert.deepEqual(again, await readLogits(engine, fresh, tokenIds.slice(0, 90)));
  for (const each of [session, fresh]) await each.dispose();
});
