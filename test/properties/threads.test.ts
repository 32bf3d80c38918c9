/** Threads share out work, not arithmetic. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { loadTiny, logitsOf, planWith, randomIds, readLogits } from "../support/sessions.ts";

/** More pages than are ever split for one thread alone. */
const LONG = 1300;

// All are loaded before the first test: a hook that is set up while a test runs would belong to that test.
const names = ["llama-q4_0", "gemma3-f16"];
const engines = await Promise.all(
  names.map((name) => Promise.all([loadTiny(name, { threads: 1 }), loadTiny(name, { threads: 2 })])),
);
after(() => Promise.all(engines.flat().map((engine) => engine.dispose())));

for (const [i, name] of names.entries()) {
  const [one, two] = engines[i];

  test(`${name}: one thread and two give the same logits for 600 tokens, bit for bit`, async () => {
    assert.deepEqual([one.threads, two.threads], [1, 2]);
    const tokenIds = randomIds(one, 600, 1);
    assert.deepEqual(await logitsOf(one, tokenIds), await logitsOf(two, tokenIds));
  });

  test(`${name}: one thread and two give the same logits for steps behind ${LONG} tokens, which are summed up in parts, bit for bit`, async () => {
    const tokenIds = randomIds(one, LONG + 10, 2);
    const [rowsOne, rowsTwo] = await Promise.all(
      [one, two].map(async (engine) => {
        const session = await engine.session({ plan: planWith("q8") });
        await session.prefill(tokenIds.slice(0, LONG));
        const rows: Float32Array[] = [];
        for (const id of tokenIds.slice(LONG)) rows.push(...(await readLogits(engine, session, [id])));
        await session.dispose();
        return rows;
      }),
    );
    assert.deepEqual(rowsOne, rowsTwo);
  });
}
