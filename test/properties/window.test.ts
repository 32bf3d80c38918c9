/** Sliding-window layers: what left the window is neither seen nor kept. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { loadEngine } from "../../src/engine/load.ts";
import type { Engine } from "../../src/index.ts";
import { int8PageBytes } from "../../src/ops/attention.ts";
import { loadTiny, logitsOf, planWith, randomIds, testHost, writeModel } from "../support/sessions.ts";
import { tinyModel } from "../support/tiny-model.ts";

const WINDOW = 32;
const NUM_KV_HEADS = 2;

/** Fewer than six layers of gemma3 all have a window. */
function loadLocal(layers: number): Promise<Engine> {
  const path = writeModel(tinyModel("gemma3", { layers, slidingWindow: WINDOW, tensorType: "F32" }));
  return loadEngine(testHost({ availableThreads: () => 2 }), path);
}

const oneLayer = await loadLocal(1);
const twoLayers = await loadLocal(2);
after(() => Promise.all([oneLayer.dispose(), twoLayers.dispose()]));

async function lastLogits(engine: Engine, tokenIds: number[], format: "f32" | "q8" = "f32"): Promise<Float32Array> {
  return (await logitsOf(engine, tokenIds, { format })).at(-1)!;
}

/** Another token in place `position`. */
function changed(engine: Engine, tokenIds: number[], position: number): number[] {
  return tokenIds.with(position, (tokenIds[position] + 1) % engine.model.vocabularySize);
}

for (const length of [100, 128, 200])
  test(`the last of ${length} tokens sees exactly ${WINDOW} tokens through one layer and ${2 * WINDOW - 1} through two, bit for bit`, async () => {
    for (const [engine, reach] of [
      [oneLayer, WINDOW],
      [twoLayers, 2 * WINDOW - 1],
    ] as const) {
      const tokenIds = randomIds(engine, length, length);
      const expected = await lastLogits(engine, tokenIds);
      const oldest = length - reach;
      assert.deepEqual(await lastLogits(engine, changed(engine, tokenIds, oldest - 1)), expected);
      assert.deepEqual(await lastLogits(engine, changed(engine, tokenIds, 0)), expected);
      assert.notDeepEqual(await lastLogits(engine, changed(engine, tokenIds, oldest)), expected);
    }
  });

test("q8 pages that lie outside the window do not change the result, bit for bit", async () => {
  const tokenIds = randomIds(oneLayer, 200, 1);
  // Keys of position 168 on are seen; their page begins at 128.
  const others = [...randomIds(oneLayer, 128, 2), ...tokenIds.slice(128)];
  assert.deepEqual(await lastLogits(oneLayer, others, "q8"), await lastLogits(oneLayer, tokenIds, "q8"));
});

test("a head keeps at most two sealed pages behind its open one for a window of 32, however long the text, chunk or step", async () => {
  const session = await twoLayers.session({ plan: planWith("q8") });
  const heads = 2 * NUM_KV_HEADS;
  const tokenIds = randomIds(twoLayers, 1030, 3);
  for (let done = 0; done < 1030; done = session.length) {
    await session.prefill(tokenIds.slice(done, done < 1000 ? done + 250 : done + 1));
    const { pages } = await session.memory();
    assert.ok(pages <= 3 * heads, `${pages} pages after ${session.length} tokens`);
  }
  await session.dispose();
});

test("pages out of the window serve again: 2,000 tokens take the memory of 1,000", async () => {
  const engine = await loadLocal(1);
  const session = await engine.session({ plan: planWith("q8") });
  const tokenIds = randomIds(engine, 2000, 4);
  await session.prefill(tokenIds.slice(0, 1000));
  const { totalBytes } = await engine.memory();
  await session.prefill(tokenIds.slice(1000));
  assert.equal((await engine.memory()).totalBytes, totalBytes);
  await engine.dispose();
});

test("layers without a window keep every page: six local layers and a global one over 1,024 tokens", async () => {
  const engine = await loadTiny("gemma3-f16");
  const session = await engine.session({ plan: planWith("q8") });
  const before = await session.memory();
  await session.prefill(randomIds(engine, 1024, 5));
  const { pages, cacheBytes } = await session.memory();
  // Window 20: a local head keeps the page that the next token still sees. A global one keeps all 16.
  assert.equal(pages - before.pages, NUM_KV_HEADS * (6 * 1 + 16));
  assert.equal(cacheBytes - before.cacheBytes, (pages - before.pages) * int8PageBytes(256));
  await engine.dispose();
});
