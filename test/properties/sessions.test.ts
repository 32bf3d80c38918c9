/** A session knows only its own tokens, whoever else uses the engine, and whoever did before. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import type { Engine, Session } from "../../src/index.ts";
import { compareRows } from "../support/kl.ts";
import { loadTiny, logitsOf, planWith, randomIds, readLogits } from "../support/sessions.ts";

const engine = await loadTiny("qwen3-q4_k");
after(() => engine.dispose());

/** Tokens that a session writes greedily, as ids. */
async function idsOf(session: Session, maxTokens: number): Promise<number[]> {
  const ids: number[] = [];
  for await (const { tokenId } of session.generate({ maxTokens })) ids.push(tokenId);
  return ids;
}

test("sessions that read and write at the same time, with both page formats, give what each gives alone", async () => {
  const formats = ["q8", "f32", "q8"] as const;
  const run = async (index: number) => {
    const session = await engine.session({ plan: planWith(formats[index]), prefillChunk: 40 + index });
    await session.prefill(randomIds(engine, 150 + 20 * index, index));
    const ids = await idsOf(session, 40);
    await session.dispose();
    return ids;
  };
  const alone: number[][] = [];
  for (const index of formats.keys()) alone.push(await run(index));
  assert.deepEqual(await Promise.all([...formats.keys()].map(run)), alone);
});

test("two sessions advanced in any order of pieces give the logits of each alone, bit for bit", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 70 })), { minLength: 3, maxLength: 6 }),
      async (turns) => {
        const texts = [randomIds(engine, 500, 1), randomIds(engine, 500, 2)];
        const sessions = [await engine.session(), await engine.session()];
        const rows: Float32Array[][] = [[], []];
        for (const [second, length] of turns) {
          const which = second ? 1 : 0;
          const begin = rows[which].length;
          rows[which].push(...(await readLogits(engine, sessions[which], texts[which].slice(begin, begin + length))));
        }
        await Promise.all(sessions.map((session) => session.dispose()));
        for (const which of [0, 1])
          if (rows[which].length > 0)
            assert.deepEqual(await logitsOf(engine, texts[which].slice(0, rows[which].length)), rows[which]);
      },
    ),
    { numRuns: 4, seed: 1 },
  ));

test("a session on pages that others gave back computes the same bits as on new pages, and takes no new memory", async () => {
  for (const format of ["q8", "f32"] as const) {
    const fresh = await loadTiny("qwen2-q8_0");
    const tokenIds = randomIds(fresh, 190, 3);
    const expected = await logitsOf(fresh, tokenIds, { format });
    // Longer than the next, so that stale keys and positions lie behind its end.
    await logitsOf(fresh, randomIds(fresh, 250, 4), { format });
    const { totalBytes, cacheBytes } = await fresh.memory();
    assert.deepEqual(await logitsOf(fresh, tokenIds, { format }), expected);
    assert.deepEqual(await fresh.memory(), { ...(await fresh.memory()), totalBytes, cacheBytes });
    await fresh.dispose();
  }
});

test("f32 and q8 pages agree: mean KL below 5e-3 over 400 random tokens of every architecture", async () => {
  for (const name of ["llama-f32", "qwen2-q8_0", "gemma3-f16"]) {
    const model = await loadTiny(name);
    const tokenIds = randomIds(model, 400, 5);
    const [f32, q8] = [await logitsOf(model, tokenIds, { format: "f32" }), await logitsOf(model, tokenIds)];
    const { meanKl } = compareRows(f32, q8);
    assert.ok(meanKl > 0 && meanKl < 5e-3, `${name}: ${meanKl}`);
    await model.dispose();
  }
});

test("the first 64 tokens see only their own page, so page formats give the same bits there", async () => {
  const tokenIds = randomIds(engine, 64, 6);
  assert.deepEqual(
    await logitsOf(engine, tokenIds, { format: "q8" }),
    await logitsOf(engine, tokenIds, { format: "f32" }),
  );
});

test("generating, prefilling what was generated, and going on is one sequence", async () => {
  const prompt = randomIds(engine, 100, 7);
  const whole = await writeFrom(engine, prompt, 30);
  const half = await writeFrom(engine, prompt, 15);
  const rest = await writeFrom(engine, [...prompt, ...half], 15);
  assert.deepEqual([...half, ...rest], whole);
  const session = await engine.session();
  await session.prefill(prompt);
  assert.deepEqual([...(await idsOf(session, 15)), ...(await idsOf(session, 15))], whole);
  assert.equal(session.length, prompt.length + 30);
  await session.dispose();
});

async function writeFrom(model: Engine, tokenIds: number[], maxTokens: number): Promise<number[]> {
  const session = await model.session();
  await session.prefill(tokenIds);
  const ids = await idsOf(session, maxTokens);
  await session.dispose();
  return ids;
}
