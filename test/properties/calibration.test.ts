/** Calibrations from end to end on tiny models: measured, stored, found again, used by plans. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { after, test } from "node:test";
import { loadEngine } from "../../src/engine/load.ts";
import { calibrationPath, findCalibration } from "../../src/hub/calibrations.ts";
import {
  type Calibration,
  cacheConformance,
  calibrate,
  type Engine,
  InputError,
  type LoadOptions,
  load,
  parsePlan,
  storeCalibration,
} from "../../src/index.ts";
import { runCli } from "../support/cli.ts";
import { randomIds, temporaryFolder, testHost, writeModel } from "../support/sessions.ts";
import { tinyModel } from "../support/tiny-model.ts";

process.env.LONGSPAN_HOME = temporaryFolder();

const path = writeModel(tinyModel("qwen2"));
const windowsPath = writeModel(tinyModel("gemma3", { layers: 6 }));
const stored = { method: "expected-attention", mode: "stored" };
const plain = await loadFile(path);
const text = textOf(plain, 300, 9);
const calibration = await calibrate(plain, [text]);
const engine = await loadFile(path, { calibration });
const windows = await loadWindows();
after(() => Promise.all([plain, engine, windows].map((each) => each.dispose())));

function loadFile(model: string, options?: LoadOptions): Promise<Engine> {
  return loadEngine(testHost({ availableThreads: () => 2 }), model, options);
}

function textOf(of: Engine, length: number, seed: number): Int32Array {
  return Int32Array.from(randomIds(of, length, seed));
}

/** A model with sliding windows, calibrated by itself. */
async function loadWindows(): Promise<Engine> {
  const before = await loadFile(windowsPath);
  const measured = await calibrate(before, [textOf(before, 64, 1)]);
  await before.dispose();
  return loadFile(windowsPath, { calibration: measured });
}

const choices = [{ score: stored }, { score: "snapkv", allocation: "head-class" }];
for (const each of choices) for (const { title, run } of cacheConformance(engine, each)) test(title, run);
for (const { title, run } of cacheConformance(windows, { score: stored, allocation: "head-class" }).slice(1, 2))
  test(`sliding windows: ${title}`, run);

test("mean and covariance are those of all texts together, within 1e-5 of the largest", async () => {
  const texts = [40, 64, 100].map((length, seed) => textOf(plain, length, seed));
  const together = await calibrate(plain, texts);
  const parts = await Promise.all(texts.map((part) => calibrate(plain, [part])));
  const { headDim, covariance, mean, tokens, retrieval } = together;
  assert.equal(tokens, 36 + 60 + 96);
  const largest = (values: Float32Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const average = (value: (part: Calibration) => number) =>
    parts.reduce((sum, part) => sum + (part.tokens / tokens) * value(part), 0);
  mean.forEach((value, at) => {
    assert.ok(Math.abs(value - average((part) => part.mean[at])) <= 1e-5 * largest(mean));
  });
  const bound = 1e-5 * largest(covariance);
  covariance.forEach((value, at) => {
    const [head, i, j] = [Math.floor(at / headDim ** 2), Math.floor(at / headDim) % headDim, at % headDim];
    const product = ({ mean: means }: Pick<Calibration, "mean">) =>
      means[head * headDim + i] * means[head * headDim + j];
    const expected = average((part) => part.covariance[at] + product(part)) - product(together);
    assert.ok(Math.abs(value - expected) <= bound, `${at}: ${value}, expected ${expected}`);
  });
  retrieval.forEach((value, at) => {
    const expected = parts.reduce((sum, part) => sum + part.retrieval[at] / parts.length, 0);
    assert.ok(Math.abs(value - expected) < 1e-6 && expected > 0 && expected < 1);
  });
});

test("statistics measured on the text itself keep at least 99 % of what its own statistics keep", async () => {
  const keptBy = async (score: unknown) => {
    const session = await engine.session({
      plan: parsePlan({ cache: { score, budget: 100, window: 10, format: "f32" } }),
    });
    await session.prefill(text);
    return (await session.kept()).flatMap(({ layer, kvHead, positions }) =>
      Array.from(positions, (position) => `${layer} ${kvHead} ${position}`),
    );
  };
  const [own, measured, other] = [await keptBy("expected-attention"), await keptBy(stored), await keptBy("key-norm")];
  const shared = (kept: readonly string[]) => kept.filter((slot) => own.includes(slot)).length / own.length;
  assert.ok(shared(measured) >= 0.99, String(shared(measured)));
  assert.ok(shared(other) < 0.9, String(shared(other)));
});

test("stored statistics are used even where a session gathers its own for another plan", async () => {
  const cacheOf = (score: unknown) => parsePlan({ cache: { score, budget: 100, window: 10 } }).cache;
  const other = textOf(plain, 200, 5);
  const keptWith = async (...collect: unknown[]) => {
    const session = await engine.session({ collect: collect.map(cacheOf) });
    await session.prefill(other);
    await session.compress(cacheOf(stored));
    const kept = await session.kept();
    await session.dispose();
    return kept;
  };
  assert.deepEqual(await keptWith(stored, "expected-attention"), await keptWith(stored));
});

test("without a calibration plans that need one are refused, one of another model is refused", async () => {
  for (const cache of [{ score: stored }, { score: "key-diff", allocation: "head-class" }])
    await assert.rejects(
      plain.session({ plan: parsePlan({ cache: { ...cache, budget: 200 } }) }),
      (error) => error instanceof InputError && /longspan models calibrate NAME/.test(error.message),
    );
  await assert.rejects(loadFile(windowsPath, { calibration }), /calibration: expected 6 layers of .* got 2 layers of/);
});

test("statistics are refused of a session that gathers none and of layers that are not there", async () => {
  const session = await plain.session();
  await assert.rejects(session.statistics(0), /Open it with \{ statistics: true \}/);
  await assert.rejects(session.statistics(99), /expected a layer from 0 to 1, got 99/);
  await session.dispose();
  for (const wrong of [[], [Int32Array.of(1, 2, 3, 4)]])
    await assert.rejects(calibrate(plain, wrong), /expected texts of at least 5 tokens/);
});

test("stored, found by the file: load() passes it on; a damaged one counts as none, and only plans that need it say so", async () => {
  assert.equal(findCalibration(path), undefined);
  const file = storeCalibration(path, calibration);
  assert.equal(calibrationPath(path), file);
  assert.deepEqual(findCalibration(path), calibration);
  const loaded = await load(path, { threads: 1 });
  const session = await loaded.session({ plan: parsePlan({ cache: { score: stored, budget: 200 } }) });
  await session.prefill(text);
  await loaded.dispose();
  for (const damaged of ["", "nonsense"]) {
    writeFileSync(file, damaged);
    assert.deepEqual([findCalibration(path), calibrationPath(path)], [undefined, undefined]);
    const without = await load(path, { threads: 1 });
    await (await without.session()).prefill(text);
    const wanting = without.session({ plan: parsePlan({ cache: { score: stored, budget: 200 } }) });
    await assert.rejects(wanting, /expected a calibration of .* got none.*`longspan models calibrate/s);
    await without.dispose();
  }
});

test("models calibrate writes what plans check then finds", async () => {
  const model = windowsPath;
  const check = () =>
    runCli(["plans", "check", '{"cache":{"score":"snapkv","allocation":"head-class","budget":500}}', "--model", model]);
  const before = await check();
  assert.deepEqual([before.code, before.stdout], [2, ""]);
  assert.match(before.stderr, /Make one with `longspan models calibrate NAME`/);
  const { code, stdout, stderr } = await runCli([
    ...["models", "calibrate", model, "--texts", "3", "--tokens", "60", "--threads", "1", "--json"],
  ]);
  assert.equal(code, 0, stderr);
  const { path: file, retrieval, texts: count } = JSON.parse(stdout);
  assert.deepEqual([file, count], [calibrationPath(model), 3]);
  assert.equal(findCalibration(model)?.tokens, 3 * 56);
  assert.deepEqual(retrieval.flat(), Array.from(findCalibration(model)?.retrieval ?? []));
  assert.equal((await check()).code, 0);
});
