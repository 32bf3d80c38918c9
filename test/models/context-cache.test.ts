/** What one program has read, the next need not. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { builtInHaystack } from "../../src/eval/haystack.ts";
import { DiskBlockStore } from "../../src/hub/block-store.ts";
import { load } from "../../src/index.ts";
import { modelPath } from "../support/models.ts";
import { temporaryFolder, textOf } from "../support/sessions.ts";

for (const name of ["qwen2.5-coder-0.5b", "gemma3-270m", "smollm2-135m"])
  test(`${name}: after a restart all full blocks of a prompt of 2,500 tokens are there, the answer is the same, and it begins in a tenth of the time`, async () => {
    const path = await modelPath(name);
    const folder = join(temporaryFolder(), "contexts");
    const text = builtInHaystack("speeches").words(2_000);
    const readings = [];
    for (let start = 0; start < 2; start++) {
      const engine = await load(path);
      const ids = engine.tokenizer.encode(text).slice(0, 2_500);
      const session = await engine.session({ store: new DiskBlockStore(folder) });
      const begin = performance.now();
      await session.prefill(ids);
      const seconds = (performance.now() - begin) / 1000;
      readings.push({
        seconds,
        restored: session.restored,
        length: ids.length,
        text: await textOf(session, { maxTokens: 24 }),
      });
      await session.dispose();
      await engine.dispose();
    }
    const [first, second] = readings;
    assert.equal(first.length, 2_500);
    assert.equal(first.restored, 0);
    assert.equal(second.restored, 64 * Math.floor((2_500 - 9) / 64));
    assert.equal(second.text, first.text);
    assert.ok(
      second.seconds < first.seconds / 10,
      `${second.seconds.toFixed(2)} s against ${first.seconds.toFixed(2)} s`,
    );
  });
