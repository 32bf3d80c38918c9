/** A technique from outside: one module, given to load(), in both threads; it passes the same suite as our own. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { cacheConformance, InputError, parsePlan } from "../../src/index.ts";
import { loadTiny, randomIds, temporaryFolder } from "../support/sessions.ts";

const engine = await loadTiny("qwen2-q8_0", { techniques: [new URL("../support/toy-score.js", import.meta.url).href] });
after(() => engine.dispose());

for (const { title, run } of cacheConformance(engine, { score: "toy-even" })) test(title, run);

test("a score from outside decides what is kept: even positions, besides sinks and window", async () => {
  const plan = parsePlan({ cache: { score: "toy-even", budget: 100, sinks: 4, window: 16 } });
  const session = await engine.session({ plan });
  await session.prefill(randomIds(engine, 200, 1));
  for (const { positions } of await session.kept())
    assert.ok(positions.every((at) => at < 4 || at >= 184 || at % 2 === 0));
  await session.dispose();
});

test("a module without techniques is refused", async () => {
  const path = `${temporaryFolder()}/empty.mjs`;
  writeFileSync(path, "export const nothing = [];\n");
  await assert.rejects(loadTiny("qwen2-q8_0", { techniques: [pathToFileURL(path).href] }), (error) => {
    return error instanceof InputError && /expected an export "scores" or "allocations"/.test(error.message);
  });
});
