/** Steps of one token equal a prefill of the same tokens. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { compareRows } from "../support/kl.ts";
import { loadTiny, logitsOf, planWith, randomIds, readLogits } from "../support/sessions.ts";

// All are loaded before the first test: a hook that is set up while a test runs would belong to that test.
const names = ["qwen2-q8_0", "qwen3-q4_k", "gemma3-f16"];
const engines = await Promise.all(names.map((name) => loadTiny(name)));
after(() => Promise.all(engines.map((engine) => engine.dispose())));

for (const [i, name] of names.entries()) {
  const engine = engines[i];

  test(`${name}: 70 tokens one by one give the logits of one prefill, bit for bit, with f32 and q8 pages`, async () => {
    const tokenIds = randomIds(engine, 70, 1);
    for (const format of ["f32", "q8"] as const)
      assert.deepEqual(
        await logitsOf(engine, tokenIds, { format, prefillChunk: 1 }),
        await logitsOf(engine, tokenIds, { format }),
      );
  });
}

/**
 * A step of a long text splits its keys over threads and merges by log-sum-exp: sums in another order. With q8 pages the
 * last bit of a query or key can then round to another of 127 steps.
 */
const bounds = { f32: 1e-9, q8: 1e-4 };

test("after 700 tokens, where a step splits its keys, 30 steps agree within a KL of 1e-9 with f32 pages and 1e-4 with q8 pages", async () => {
  const engine = await loadTiny("llama-f32");
  const tokenIds = randomIds(engine, 730, 2);
  for (const format of ["f32", "q8"] as const) {
    const expected = (await logitsOf(engine, tokenIds, { format })).slice(700);
    const session = await engine.session({ plan: planWith(format) });
    await session.prefill(tokenIds.slice(0, 700));
    const rows: Float32Array[] = [];
    for (const id of tokenIds.slice(700)) rows.push(...(await readLogits(engine, session, [id])));
    const { maxKl } = compareRows(expected, rows);
    assert.ok(maxKl < bounds[format], `${format} pages: ${maxKl}`);
    assert.notDeepEqual(rows, expected, "nothing was split: the test lost its subject");
  }
  await engine.dispose();
});
