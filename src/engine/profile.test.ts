import assert from "node:assert/strict";
import { after, test } from "node:test";
import { randomIds, testHost, textOf, writeModel } from "../../test/support/sessions.ts";
import { tinyModel } from "../../test/support/tiny-model.ts";
import { int8PageBytes } from "../ops/attention.ts";
import { BETWEEN_KERNELS, type KernelProfile } from "../runtime/profile.ts";
import { loadEngine } from "./load.ts";
import type { Engine } from "./types.ts";

const model = { layers: 3, headDim: 64, numHeads: 4, numKvHeads: 2, hiddenSize: 256, feedForward: 512 };
const vocabularySize = 280; // whole panels
const path = writeModel(tinyModel("llama", { ...model, vocabularySize }));
const host = testHost({ availableThreads: () => 2 });
const engines = await Promise.all([1, 2].map((threads) => loadEngine(host, path, { threads, profile: true })));
const plain = await loadEngine(host, path, { threads: 1 });
after(() => Promise.all([plain, ...engines].map((engine) => engine.dispose())));

const { layers, headDim, numHeads, numKvHeads, hiddenSize, feedForward } = model;
/** Numbers in the matrices that every token is multiplied with, and in the output matrix. */
const perToken = layers * (hiddenSize * headDim * (2 * numHeads + 2 * numKvHeads) + 3 * hiddenSize * feedForward);
const output = hiddenSize * vocabularySize;

async function read(engine: Engine, tokens: number, prefillChunk?: number) {
  const session = await engine.session({ prefillChunk });
  await engine.profile({ reset: true });
  const started = performance.now();
  await session.prefill(randomIds(engine, tokens, tokens));
  const wall = (performance.now() - started) / 1000;
  return { session, wall, rows: await engine.profile({ reset: true }) };
}

function rowOf(rows: readonly KernelProfile[], kernel: string): KernelProfile {
  return rows.find((row) => row.kernel === kernel) ?? assert.fail(`no row of ${kernel}`);
}

test("off by default: no rows", async () => {
  const { session, rows } = await read(plain, 70);
  assert.deepEqual(rows, []);
  await session.dispose();
});

test("loading does not count", async () => {
  const engine = await loadEngine(host, path, { threads: 1, profile: true });
  assert.deepEqual(
    (await engine.profile()).map(({ kernel }) => kernel),
    [BETWEEN_KERNELS],
  );
  await engine.dispose();
});

for (const [i, engine] of engines.entries())
  for (const chunk of [undefined, 100, 7])
    test(`operations of a prefill are those of the closed formulas: ${i + 1} threads, chunks of ${chunk ?? "512"}`, async () => {
      for (const tokens of [1, 64, 300, 600]) {
        const { session, rows } = await read(engine, tokens, chunk);
        assert.deepEqual(rowOf(rows, "matmuls").operations, { f32: 2 * (tokens * perToken + output) });
        let earlier = 0;
        for (let token = 0; token < tokens; token++) earlier += 64 * Math.floor(token / 64);
        const scale = 4 * layers * numHeads * headDim;
        const expected = { f32: scale * 64 * tokens, ...(earlier > 0 && { i7: scale * earlier }) };
        assert.deepEqual(rowOf(rows, "attention").operations, expected);
        await session.dispose();
      }
    });

test("seconds of all rows are positive and together at most the wall time; those of matmuls are at least what 10 TOP/s would take", async () => {
  for (const engine of engines) {
    const { session, wall, rows } = await read(engine, 1000);
    for (const { kernel, seconds } of rows) assert.ok(seconds > 0, `${kernel}: ${seconds}`);
    const sum = rows.reduce((all, { seconds }) => all + seconds, 0);
    assert.ok(sum <= wall, `${sum} of ${wall}`);
    const { seconds } = rowOf(rows, "matmuls");
    assert.ok(seconds > (2 * 1000 * perToken) / 1e13, `matmuls: ${seconds}`);
    const between = rowOf(rows, BETWEEN_KERNELS);
    assert.equal(between.calls, 3, "whether there is room, and two chunks");
    assert.equal(rows.at(-1), between);
    await session.dispose();
  }
});

test("a token that is written reads all weights but the embedding, and every page of its past", async () => {
  for (const engine of engines) {
    const { session } = await read(engine, 320);
    await engine.profile({ reset: true });
    await textOf(session, { maxTokens: 1, ignoreEnd: true });
    const rows = await engine.profile({ reset: true });
    const [matmuls, attention] = ["matmuls", "attention"].map((kernel) => rowOf(rows, kernel));
    assert.deepEqual(matmuls.operations, { f32: 2 * (perToken + output) });
    assert.equal(matmuls.bytes, 4 * (perToken + output));
    assert.deepEqual(attention.operations, {
      i7: 4 * layers * numHeads * 320 * headDim,
      f32: 4 * layers * numHeads * 64 * headDim,
    });
    assert.equal(attention.bytes, layers * numKvHeads * (5 * int8PageBytes(headDim) + 256 + 512 * headDim));
    assert.equal(rowOf(rows, "rope").operations, undefined);
    await session.dispose();
  }
});

test("profile() without reset goes on adding", async () => {
  const [engine] = engines;
  const { session } = await read(engine, 10);
  const twice = [];
  for (let i = 0; i < 2; i++) {
    await session.prefill([1, 2, 3, 4]);
    twice.push(rowOf(await engine.profile(), "attention"));
  }
  assert.deepEqual(
    twice.map(({ calls }) => calls),
    [layers, 2 * layers],
  );
  assert.ok(twice[1].seconds > twice[0].seconds);
  await session.dispose();
});
