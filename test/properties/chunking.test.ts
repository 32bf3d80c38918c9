/** How a prompt is cut up is nobody's business: a query sees its own page unquantised and earlier pages sealed, always. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import type { Engine } from "../../src/index.ts";
import { type CacheFormat, loadTiny, logitsOf, planWith, randomIds, readLogits } from "../support/sessions.ts";

/** Pages have 64 slots: lengths around them, and any other. */
const pieceLength = fc.oneof(fc.constantFrom(1, 63, 64, 65), fc.integer({ min: 1, max: 130 }));
const pieces = fc.array(pieceLength, { minLength: 2, maxLength: 4 });

// All are loaded before the first test: a hook that is set up while a test runs would belong to that test.
const names = ["qwen2-q8_0", "qwen3-q4_k", "gemma3-f16"];
const engines = await Promise.all(names.map((name) => loadTiny(name)));
const long = await loadTiny("llama-q4_0");
after(() => Promise.all([...engines, long].map((engine) => engine.dispose())));

for (const [i, name] of names.entries()) {
  const engine = engines[i];

  for (const format of ["f32", "q8"] as const)
    test(`${name}, ${format} pages: any pieces give the logits of one prefill, bit for bit`, () =>
      fc.assert(
        fc.asyncProperty(pieces, fc.integer(), async (lengths, seed) => {
          const total = lengths.reduce((sum, length) => sum + length, 0);
          const tokenIds = randomIds(engine, total, seed);
          const whole = await logitsOf(engine, tokenIds, { format });
          assert.deepEqual(await logitsOfPieces(engine, tokenIds, lengths, format), whole);
        }),
        { numRuns: 3, seed: 1 },
      ));
}

test("1,100 tokens in chunks of 512, 100 and 64 give the same logits, bit for bit", async () => {
  const tokenIds = randomIds(long, 1100, 1);
  const whole = await logitsOf(long, tokenIds);
  for (const prefillChunk of [100, 64]) assert.deepEqual(await logitsOf(long, tokenIds, { prefillChunk }), whole);
});

async function logitsOfPieces(engine: Engine, tokenIds: number[], lengths: number[], format: CacheFormat) {
  const session = await engine.session({ plan: planWith(format) });
  const rows: Float32Array[] = [];
  for (const length of lengths)
    rows.push(...(await readLogits(engine, session, tokenIds.slice(rows.length, rows.length + length))));
  await session.dispose();
  return rows;
}
