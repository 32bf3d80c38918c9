/** Going back: what is read after a cut does not know what was there before. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { cacheSchema } from "../../src/context/cache/plan.ts";
import { cacheScores } from "../../src/context/cache/score/registry.ts";
import { parsePlan } from "../../src/context/plan.ts";
import type { Session } from "../../src/engine/types.ts";
import { InputError } from "../../src/runtime/errors.ts";
import { loadTiny, logitsOf, planWith, randomIds, readLogits, textOf } from "../support/sessions.ts";

const names = ["qwen2-q8_0", "gemma3-f16"];
const engines = await Promise.all(names.map((name) => loadTiny(name)));
after(() => Promise.all(engines.map((engine) => engine.dispose())));

for (const [i, name] of names.entries()) {
  const engine = engines[i];
  for (const format of ["f32", "q8"] as const)
    test(`${name}, ${format} pages: cut anywhere and read on gives the logits of a new session, bit for bit; fewer than 64 tokens are lost, or all where a window moved on`, () =>
      fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 300 }),
          fc.nat(310),
          fc.integer({ min: 9, max: 100 }),
          async (before, cut, behind) => {
            const first = randomIds(engine, before, 1);
            const second = [...first, ...randomIds(engine, 200, 2)].slice(0, Math.min(cut, before));
            second.push(...randomIds(engine, behind, 3));
            const session = await engine.session({ plan: planWith(format) });
            await session.prefill(first);
            const kept = await session.truncate(cut);
            assert.equal(session.length, kept);
            assert.ok(kept === 0 || kept > Math.min(cut, before) - 64, `${kept} of ${cut} are left`);
            assert.ok(kept <= Math.min(cut, before));
            const rows = await readLogits(engine, session, second.slice(kept));
            const expected = await logitsOf(engine, second, { format });
            assert.deepEqual(rows, expected.slice(kept));
            await session.dispose();
          },
        ),
        { numRuns: name.startsWith("gemma") ? 3 : 6, seed: 1 },
      ));
}

test("a cut gives pages back: the engine's cache is as small as that of a short session", async () => {
  const [engine] = engines;
  const session = await engine.session();
  await session.prefill(randomIds(engine, 100, 1));
  const { cacheBytes } = await session.memory();
  await session.prefill(randomIds(engine, 400, 2));
  assert.equal(await session.truncate(100), 64);
  assert.ok((await session.memory()).cacheBytes <= cacheBytes);
  await session.dispose();
});

test("after a cut nothing can be written until something is read, and a length below zero is refused", async () => {
  const [engine] = engines;
  const session = await engine.session();
  await session.prefill(randomIds(engine, 70, 1));
  await assert.rejects(session.truncate(-1), InputError);
  assert.equal(await session.truncate(10), 0);
  await assert.rejects(textOf(session, { maxTokens: 1 }), /session is empty/);
  await session.prefill(randomIds(engine, 70, 1));
  assert.equal(await session.truncate(66), 66);
  await assert.rejects(textOf(session, { maxTokens: 1 }), /Call prefill\(\)/);
  await session.dispose();
});

test("log probabilities of targets are those of the logits within 1e-5, NaN where none is wanted", async () => {
  const [engine] = engines;
  const ids = randomIds(engine, 150, 5);
  const targets = ids.map((_, i) => (i % 3 === 0 || i < 70 ? -1 : (ids[i + 1] ?? 0)));
  const session = await engine.session({ prefillChunk: 64 });
  const logProbs: number[] = [];
  await session.prefill(ids, { targets, onLogProbs: (chunk) => logProbs.push(...chunk) });
  const rows = await logitsOf(engine, ids);
  for (const [i, target] of targets.entries()) {
    if (target < 0) {
      assert.ok(Number.isNaN(logProbs[i]));
      continue;
    }
    const sum = rows[i].reduce((total, logit) => total + Math.exp(logit), 0);
    assert.ok(Math.abs(logProbs[i] - (rows[i][target] - Math.log(sum))) < 1e-5, `row ${i}`);
  }
  await assert.rejects(session.prefill([1, 2], { targets: [1], onLogProbs: () => {} }), InputError);
  await session.dispose();
});

test("after a cut every score keeps what it keeps in a session of its own: nothing that was gathered of the forgotten text counts", async () => {
  const [engine] = engines;
  const scores = cacheScores.members.filter(({ id, options, needs }) => {
    return id !== "keep-all" && !needs?.(options.parse({ method: id })).calibration;
  });
  for (const { id } of scores) {
    const cache = cacheSchema.parse({ score: id, sinks: 4, window: 20, budget: 70 });
    const [first, second] = [randomIds(engine, 250, 1), randomIds(engine, 150, 2)];
    const text = [...first.slice(0, 130), ...second];
    const plan = parsePlan({ cache: { format: "f32" } });
    const keptOf = async (session: Session) => {
      await session.compress(cache);
      const kept = await session.kept();
      await session.dispose();
      return kept;
    };
    const alone = await engine.session({ plan, collect: [cache] });
    await alone.prefill(text);
    const expected = await keptOf(alone);
    const cut = await engine.session({ plan, collect: [cache] });
    await cut.prefill(first);
    await cut.compress({ ...cache, budget: 1000 });
    const left = await cut.truncate(130);
    assert.ok(left <= 130);
    await cut.prefill(text.slice(left));
    assert.deepEqual(await keptOf(cut), expected, id);
  }
});
