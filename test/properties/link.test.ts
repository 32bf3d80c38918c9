/** Tokens that one session has read, put into another as if they had been read there. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { type Plan, parsePlan } from "../../src/context/plan.ts";
import { loadEngine } from "../../src/engine/load.ts";
import type { Engine, LinkOptions, Session } from "../../src/engine/types.ts";
import { InputError, UnsupportedError } from "../../src/runtime/errors.ts";
import { compareRows } from "../support/kl.ts";
import { loadTiny, planWith, randomIds, readLogits, testHost, textOf, writeModel } from "../support/sessions.ts";
import { type Architecture, tinyModel } from "../support/tiny-model.ts";

const loadModel = (architecture: Architecture, options: object) =>
  loadEngine(testHost({ availableThreads: () => 2 }), writeModel(tinyModel(architecture, options)));
/** Llama's pairs of dimensions are interleaved, those of qwen3 are halves apart; gemma3's layer has a window and its own base. */
const oneLayer: [string, Engine][] = [
  ["llama", await loadModel("llama", { layers: 1, seed: 3 })],
  ["qwen3", await loadModel("qwen3", { layers: 1, seed: 4 })],
  ["gemma3", await loadModel("gemma3", { layers: 1, seed: 5, slidingWindow: 1500 })],
];
const [[, llama]] = oneLayer;
const qwen = await loadTiny("qwen2-q8_0");
const windowed = await loadModel("gemma3", { layers: 7, slidingWindow: 150 });
after(() => Promise.all([...oneLayer.map(([, engine]) => engine), qwen, windowed].map((engine) => engine.dispose())));

interface Texts {
  /** What the session has read before, what the other has read, and what is read behind it. */
  readonly before: readonly number[];
  readonly own: readonly number[];
  readonly behind: readonly number[];
}

function textsOf(engine: Engine, lengths: { before: number; own: number; behind: number }): Texts {
  const [before, own, behind] = [lengths.before, lengths.own, lengths.behind].map((length, i) =>
    randomIds(engine, length, i + 1),
  );
  return { before, own, behind };
}

async function reader(engine: Engine, ids: readonly number[], plan: Plan): Promise<Session> {
  const session = await engine.session({ plan });
  if (ids.length > 0) await session.prefill(ids);
  return session;
}

async function linked(engine: Engine, { before, own }: Texts, plan: Plan, range: LinkOptions = {}): Promise<Session> {
  const from = await reader(engine, own, plan);
  const session = await reader(engine, before, plan);
  await session.link(from, range);
  await from.dispose();
  return session;
}

/** The logits of what is read behind; the session is closed. */
async function logitsBehind(engine: Engine, session: Session, { behind }: Texts): Promise<Float32Array[]> {
  const rows = await readLogits(engine, session, behind);
  await session.dispose();
  return rows;
}

function largestDifference(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  assert.equal(a.length, b.length);
  return Math.max(...a.flatMap((row, i) => Array.from(row, (value, id) => Math.abs(value - b[i][id]))));
}

const f32 = planWith("f32");
const lengths = {
  before: fc.integer({ min: 0, max: 300 }),
  own: fc.integer({ min: 1, max: 700 }),
  behind: fc.integer({ min: 9, max: 80 }),
};

// Keys and values of a model with one layer depend on a token and its place alone: what is linked is what would be read.
for (const [name, engine] of oneLayer)
  test(`${name} with one layer, f32 pages: any part of a text, linked behind any other, gives the logits of reading it there within 1e-3`, () =>
    fc.assert(
      fc.asyncProperty(fc.record(lengths), fc.nat(999), fc.nat(999), async (sizes, a, b) => {
        const texts = textsOf(engine, sizes);
        const [start, last] = [a % sizes.own, b % sizes.own].sort((x, y) => x - y);
        const range = { start, end: last + 1 };
        const rows = await logitsBehind(engine, await linked(engine, texts, f32, range), texts);
        const whole = [...texts.before, ...texts.own.slice(start, last + 1)];
        const expected = await logitsBehind(engine, await reader(engine, whole, f32), texts);
        const difference = largestDifference(rows, expected);
        assert.ok(difference < 1e-3, `differ by ${difference}`);
      }),
      { numRuns: 8, seed: 1 },
    ));

// Pages are quantised twice: if the errors of both times were as large and independent, the KL would double.
for (const format of ["q8", "q4", "q3", "q2"] as const)
  test(`one layer, ${format} pages: what is linked is at most 2.2 times as far from f32 pages as what is read there, and at its own place as far within 1e-6 nats`, async () => {
    const plan = planWith(format);
    for (const [name, engine] of oneLayer.slice(0, 2))
      for (const before of [0, 100, 333]) {
        const texts = textsOf(engine, { before, own: 450, behind: 60 });
        const whole = [...texts.before, ...texts.own];
        const best = await logitsBehind(engine, await reader(engine, whole, f32), texts);
        const klOf = async (session: Promise<Session>) =>
          compareRows(best, await logitsBehind(engine, await session, texts)).meanKl;
        const [read, put] = [await klOf(reader(engine, whole, plan)), await klOf(linked(engine, texts, plan))];
        assert.ok(
          before === 0 ? Math.abs(put - read) < 1e-6 : put < 2.2 * read,
          `${name}, ${before} before: ${put} against ${read}`,
        );
      }
  });

for (const [name, engine] of [
  ["qwen2", qwen],
  ["gemma3 with windows of 150", windowed],
] as const)
  test(`${name}, f32 pages: a text that was read at the beginning of one session and is linked to the beginning of another is the same bit for bit, written text and forks included`, async () => {
    for (const own of [1, 64, 140]) {
      const texts = textsOf(engine, { before: 0, own, behind: 20 });
      const session = await linked(engine, texts, f32);
      const read = await reader(engine, texts.own, f32);
      const copy = await session.fork();
      assert.equal(session.length, own);
      assert.deepEqual(await session.kept(), await read.kept());
      const expected = await readLogits(engine, read, texts.behind);
      assert.deepEqual(await readLogits(engine, session, texts.behind), expected);
      assert.deepEqual(await readLogits(engine, copy, texts.behind), expected);
      const written = { maxTokens: 20, ignoreEnd: true };
      assert.equal(await textOf(session, written), await textOf(read, written));
      await Promise.all([session, read, copy].map((each) => each.dispose()));
    }
  });

test("a link stands between what is read before and behind it: cut there, all goes on as if it had not been", async () => {
  const texts = textsOf(qwen, { before: 128, own: 200, behind: 30 });
  const session = await linked(qwen, texts, f32);
  assert.equal(session.length, 328);
  await session.prefill(texts.behind);
  assert.equal(await session.truncate(128), 128);
  const rows = await logitsBehind(qwen, session, texts);
  const expected = await logitsBehind(qwen, await reader(qwen, texts.before, f32), texts);
  assert.deepEqual(rows, expected);
});

test("what the other session reads, writes and forgets afterwards changes nothing, and all memory comes back", async () => {
  const { cacheBytes } = await qwen.memory();
  const texts = textsOf(qwen, { before: 30, own: 200, behind: 20 });
  const expected = await logitsBehind(qwen, await linked(qwen, texts, planWith("q8")), texts);
  const from = await reader(qwen, texts.own, planWith("q8"));
  const session = await reader(qwen, texts.before, planWith("q8"));
  await session.link(from);
  await from.truncate(70);
  await from.prefill(randomIds(qwen, 300, 9));
  assert.deepEqual(await logitsBehind(qwen, session, texts), expected);
  await from.dispose();
  assert.equal((await qwen.memory()).cacheBytes, cacheBytes);
});

test("frequencies of linear scaling and of YaRN, whose factor is in the keys once, turn what is linked as what is read, within 1e-3", async () => {
  for (const position of [
    { method: "linear", factor: 4 },
    { method: "yarn", factor: 4 },
  ]) {
    const plan = parsePlan({ position, cache: { format: "f32" } });
    const texts = textsOf(llama, { before: 130, own: 300, behind: 20 });
    const rows = await logitsBehind(llama, await linked(llama, texts, plan), texts);
    const whole = [...texts.before, ...texts.own];
    const difference = largestDifference(rows, await logitsBehind(llama, await reader(llama, whole, plan), texts));
    assert.ok(difference < 1e-3, `${position.method}: differ by ${difference}`);
  }
});

test("refused, with nothing changed: other positions, re-indexed ones, dropped tokens, a window that has moved on, scores that gather, wrong ranges and engines", async () => {
  const ids = randomIds(qwen, 300, 1);
  const refused = async (
    from: Session,
    plan: object,
    error: typeof InputError | typeof UnsupportedError,
    says: RegExp,
    { engine = qwen, range = {} }: { engine?: Engine; range?: LinkOptions } = {},
  ) => {
    const session = await engine.session({ plan: parsePlan(plan) });
    await assert.rejects(session.link(from, range), (thrown) => thrown instanceof error && says.test(thrown.message));
    assert.equal(session.length, 0);
    await session.prefill(randomIds(engine, 20, 2));
    await session.dispose();
  };
  const from = await reader(qwen, ids, parsePlan({}));
  await refused(from, { position: { method: "linear", factor: 2 } }, UnsupportedError, /one and the same way/);
  await refused(from, { position: { method: "rerope", window: 64 } }, UnsupportedError, /does not re-index/);
  await refused(from, { cache: { score: "snapkv", budget: 200 } }, UnsupportedError, /gathers more/);
  const streaming = { score: "key-diff", schedule: { method: "streaming", every: 64 }, budget: 200 };
  await refused(from, { cache: streaming }, UnsupportedError, /while it reads/);
  for (const range of [{ start: 5, end: 5 }, { start: -1 }, { end: 301 }, { start: 0.5 }])
    await refused(from, {}, InputError, /of the 300/, { range });
  await refused(from, {}, InputError, /same engine/, { engine: windowed });
  const short = await reader(windowed, randomIds(windowed, 300, 1), parsePlan({}));
  await refused(short, {}, UnsupportedError, /sliding window of 150/, { engine: windowed });
  const dropping = { score: "key-diff", budget: 200 };
  const sparse = await reader(qwen, ids, parsePlan({ cache: dropping }));
  await refused(sparse, {}, UnsupportedError, /token \d+ was dropped/);
  await Promise.all([from, short, sparse].map((each) => each.dispose()));
});
