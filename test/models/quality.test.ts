/** Real models against an independent f32 engine on 400 tokens of prose (test/golden/README.md). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "../../src/index.ts";
import { readLogitsGolden, readLogitsText } from "../support/golden.ts";
import { compareTop } from "../support/kl.ts";
import { modelPath } from "../support/models.ts";
import { logitsOf } from "../support/sessions.ts";

/** Mean KL of llama.cpp with an f16 cache against the same logits: with f32 pages we must not be worse, with q8 pages at most twice that. */
const llamaCpp = { "qwen2.5-coder-0.5b": 8.6e-4, "smollm2-135m": 3.1e-3, "gemma3-270m": 5.9e-3 };
/** The golden logits are the top 64: their estimate of a KL is at least this share of the exact one (test/support/kl.ts). */
const LEAST_SHARE = 0.93;
/** Earlier positions depend on how a model takes a text without its beginning. */
const FIRST_POSITION = 8;

for (const [name, bound] of Object.entries(llamaCpp)) {
  test(`${name}: golden ids, mean KL at most ${bound} with f32 pages and ${2 * bound} with q8 pages, 90 % the same argmax`, async () => {
    const golden = readLogitsGolden(name as keyof typeof llamaCpp);
    const engine = await load(await modelPath(name));
    try {
      const tokenIds = engine.tokenizer.encode(readLogitsText());
      assert.deepEqual(Array.from(tokenIds.subarray(0, golden.ids.length)), golden.ids);
      for (const [format, most] of [
        ["f32", bound],
        ["q8", 2 * bound],
      ] as const) {
        const rows = await logitsOf(engine, golden.ids, { format });
        const { meanKl, top1 } = compareTop(golden.positions.slice(FIRST_POSITION), rows.slice(FIRST_POSITION));
        console.log(
          `${name}, ${format} pages: mean KL ${(meanKl / LEAST_SHARE).toExponential(2)}, same argmax ${top1}`,
        );
        assert.ok(meanKl / LEAST_SHARE <= most, `${format} pages: mean KL ${meanKl / LEAST_SHARE}`);
        assert.ok(top1 >= 0.9, `${format} pages: same argmax in ${top1}`);
      }
    } finally {
      await engine.dispose();
    }
  });
}
