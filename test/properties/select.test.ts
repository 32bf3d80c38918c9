/** Token selection in whole engines: which tokens go on, what those that do see, and what is left of a session afterwards. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { loadEngine } from "../../src/engine/load.ts";
import type { Session } from "../../src/index.ts";
import { parsePlan } from "../../src/index.ts";
import { ReferenceModel } from "../support/model-reference.ts";
import { loadTiny, logitsOf, randomIds, readLogits, testHost, writeModel } from "../support/sessions.ts";
import { tinyModel } from "../support/tiny-model.ts";

const small = tinyModel("llama", { layers: 4, hiddenSize: 64, feedForward: 96 });
const reference = new ReferenceModel(small);
const engine = await loadEngine(testHost({ availableThreads: () => 2 }), writeModel(small));
const quantised = await loadTiny("qwen2-q8_0");
after(() => Promise.all([engine, quantised].map((each) => each.dispose())));

const LENGTH = 420;
const WINDOW = 20;
/** More than a page. */
const LONG_WINDOW = 100;
/** Tokens that go on: the first page, those chosen, and the tail. */
const KEPT = 228;
/** The layer whose attention chooses: all tokens go through those below it. */
const SCORING = 1;
const heads = [0, 1];
const prompt = randomIds(engine, LENGTH, 1);
const next = randomIds(engine, 12, 2);

const common = { layer: SCORING + 1, window: WINDOW, keep: KEPT, least: 128 };
const selections = {
  fastkv: { method: "fastkv", heads: "mean", pool: 7, ...common },
  gemfilter: { method: "gemfilter", heads: "mean", pool: 5, ...common },
  "spec-prefill": { method: "spec-prefill", heads: "maximum", pool: 13, ...common },
};
type Id = keyof typeof selections;
/** Where the tokens begin that go on in any case: the page of the one that is 64 before the end. */
const TAIL = 320;
const ids = Object.keys(selections) as Id[];

function planOf(select: object, cache: object = {}) {
  return parsePlan({ prefill: { select }, cache });
}

async function open(select: object, cache: object = {}, prefillChunk?: number): Promise<Session> {
  return engine.session({ plan: planOf(select, cache), prefillChunk });
}

async function written(session: Session, maxTokens: number): Promise<number[]> {
  const ids: number[] = [];
  for await (const { tokenId } of session.generate({ maxTokens, ignoreEnd: true })) ids.push(tokenId);
  return ids;
}

async function positionsOf(session: Session, layer: number): Promise<number[]> {
  const [first, ...others] = (await session.kept()).filter((head) => head.layer === layer);
  for (const { positions } of others) assert.deepEqual(positions, first.positions);
  return [...first.positions];
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** What the last tokens of the prompt give each in layer SCORING, by window and query head, and the residual streams before it: in f64. */
function lowerLayers(tokenIds: number[]) {
  const windows = [WINDOW, LONG_WINDOW];
  const weights = new Map(windows.map((window) => [window, range(0, 4).map(() => new Float64Array(LENGTH))]));
  const positions = range(0, tokenIds.length);
  let x = reference.embed(tokenIds);
  for (let layer = 0; layer < SCORING; layer++) x = reference.layer(layer, x, positions);
  reference.layer(SCORING, x, positions, (head, token, row) => {
    for (const [window, heads] of weights)
      if (token >= LENGTH - window && token < LENGTH)
        row.forEach((weight, j) => {
          heads[head][j] += weight / window;
        });
  });
  return { weights, x };
}
const lower = lowerLayers([...prompt, ...next]);

/** The technique's choice by its formula: sorted, not cut. */
function choice(id: Id, window = WINDOW): number[] {
  const weights = lower.weights.get(window)!;
  const over = id === "spec-prefill" ? Math.max : (...row: number[]) => row.reduce((a, b) => a + b) / row.length;
  const half = { fastkv: 3, gemfilter: 2, "spec-prefill": 6 }[id];
  const joined = range(0, LENGTH).map((j) => over(...weights.map((row) => row[j])));
  const pooled = joined.map((_, j) => range(j - half, j + half + 1).reduce((sum, i) => sum + (joined[i] ?? 0), 0));
  const spans = pooled.map((_, j) => {
    const first = j - (j % 32);
    return pooled.slice(first, first + 32).reduce((a, b) => a + b);
  });
  const score = id === "spec-prefill" ? spans : pooled;
  const always = [...range(0, 64), ...range(TAIL, LENGTH)];
  const best = range(64, TAIL).sort((a, b) => score[b] - score[a] || a - b);
  return [...always, ...best.slice(0, KEPT - always.length)].sort((a, b) => a - b);
}

/** Logits after the tokens of `next`, where some layers have only the chosen ones of the prompt. */
function expectedLogits(id: Id, places: "own" | "closed-up"): Float64Array[] {
  const tokens = [...choice(id), ...range(LENGTH, LENGTH + next.length)];
  const turns = places === "own" ? tokens : range(0, tokens.length);
  const isRepeated = id !== "fastkv";
  const all = isRepeated ? reference.embed([...prompt, ...next]) : lower.x;
  let x = tokens.map((token) => all[token]);
  for (let layer = isRepeated ? 0 : SCORING; layer < reference.numLayers; layer++) x = reference.layer(layer, x, turns);
  return x.slice(-next.length).map((row) => reference.logits(row));
}

function furthest(a: readonly Float32Array[], b: readonly Float64Array[]): number {
  return Math.max(...a.map((row, t) => row.reduce((most, value, i) => Math.max(most, Math.abs(value - b[t][i])), 0)));
}

for (const id of ids) {
  test(`${id}: the tokens that go on are those of its formula in f64, in the layers that it is for, and the rest is let go`, async () => {
    const session = await open(selections[id], { format: "f32" });
    await session.prefill(prompt);
    assert.equal(session.length, LENGTH);
    const expected = choice(id);
    assert.equal(expected.length, KEPT);
    for (let layer = 0; layer < reference.numLayers; layer++) {
      const isWhole = id === "fastkv" && layer < SCORING;
      assert.deepEqual(await positionsOf(session, layer), isWhole ? range(0, LENGTH) : expected, `layer ${layer}`);
    }
    const pages = (tokens: number) => heads.length * (Math.floor(tokens / 64) + 1);
    const layers = id === "fastkv" ? [LENGTH, KEPT, KEPT, KEPT] : [KEPT, KEPT, KEPT, KEPT];
    assert.equal(
      (await session.memory()).pages,
      layers.reduce((sum, tokens) => sum + pages(tokens), 0),
    );
    await session.dispose();
  });

  const [right, wrong] = id === "gemfilter" ? (["closed-up", "own"] as const) : (["own", "closed-up"] as const);
  test(`${id}: tokens that follow get the logits of a decoder in f64 that has only those tokens at ${right} positions, within 1e-3; not those at ${wrong} ones`, async () => {
    const session = await open(selections[id], { format: "f32" });
    await session.prefill(prompt);
    const logits = await readLogits(engine, session, next);
    await session.dispose();
    const [close, far] = [right, wrong].map((places) => furthest(logits, expectedLogits(id, places)));
    assert.ok(close < 1e-3 && far > 0.1, `${close}, ${far}`);
  });
}

test("a window of more than a page asks with all of its tokens: the choice is that of the formula in f64", async () => {
  const session = await open({ ...selections.fastkv, window: LONG_WINDOW }, { format: "f32" }, 90);
  await session.prefill(prompt);
  assert.deepEqual(await positionsOf(session, SCORING), choice("fastkv", LONG_WINDOW));
  assert.notDeepEqual(choice("fastkv", LONG_WINDOW), choice("fastkv"));
  await session.dispose();
});

for (const id of ids) {
  const plan = planOf(selections[id]);

  test(`${id}: chunks of any size give the same choice and the same logits afterwards, bit for bit`, async () => {
    const readIn = async (prefillChunk: number) => {
      const session = await quantised.session({ plan, prefillChunk });
      await session.prefill(prompt);
      const result = [await session.kept(), await readLogits(quantised, session, next)];
      await session.dispose();
      return result;
    };
    const whole = await readIn(512);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 16, max: 500 }), async (chunk) =>
        assert.deepEqual(await readIn(chunk), whole),
      ),
      { numRuns: 4, seed: 1, examples: [[64]] },
    );
  });

  test(`${id}: what is written and what is read afterwards is one sequence; copies go their own way`, async () => {
    const session = await quantised.session({ plan });
    await session.prefill(prompt);
    const fork = await session.fork();
    const whole = await written(session, 30);
    assert.equal(session.length, LENGTH + 30);
    await fork.prefill(whole.slice(0, 15));
    const second = await fork.fork();
    assert.deepEqual(await written(fork, 15), whole.slice(15));
    await second.truncate(0);
    await fork.truncate(0);
    const third = await session.fork();
    assert.deepEqual(await written(third, 5), await written(session, 5));
    for (const each of [session, fork, second, third]) await each.dispose();
  });

  test(`${id}: going back within what was read since is exact, further back costs what it takes to select anew; then all is as in a new session`, async () => {
    const fresh = async () => {
      const session = await quantised.session({ plan });
      await session.prefill(prompt);
      return session;
    };
    const [session, other] = [await fresh(), await fresh()];
    await session.prefill(next);
    assert.equal(await session.truncate(LENGTH + 4), LENGTH + 4);
    await other.prefill(next.slice(0, 4));
    assert.deepEqual(await readLogits(quantised, session, next), await readLogits(quantised, other, next));
    // fastkv keeps what another end would go on from: reselect.test.ts.
    const left = await session.truncate(LENGTH - 1);
    assert.equal(left > 0, id === "fastkv");
    await session.prefill(prompt.slice(left));
    const third = await fresh();
    assert.deepEqual(await session.kept(), await third.kept());
    assert.deepEqual(await readLogits(quantised, session, next), await readLogits(quantised, third, next));
    for (const each of [session, other, third]) await each.dispose();
  });

  test(`${id}: broken off in either part, a session is empty, holds no page, and reads as a new one`, async () => {
    const { cacheBytes: before } = await quantised.memory();
    const session = await quantised.session({ plan, prefillChunk: 100 });
    const { cacheBytes: empty } = await quantised.memory();
    const fresh = await quantised.session({ plan });
    await fresh.prefill(prompt);
    for (const [least, error] of [
      [0, "AbortError"],
      [LENGTH * 0.7, "AbortError"],
    ] as const) {
      const controller = new AbortController();
      const onProgress = (done: number) => void (done > least && controller.abort());
      await assert.rejects(session.prefill(prompt, { signal: controller.signal, onProgress }), { name: error });
      assert.equal(session.length, 0);
      assert.equal((await session.memory()).pages, (await session.kept()).length, "the open pages");
    }
    await session.prefill(prompt);
    assert.deepEqual(await session.kept(), await fresh.kept());
    assert.deepEqual(await readLogits(quantised, session, next), await readLogits(quantised, fresh, next));
    await fresh.dispose();
    assert.ok((await quantised.memory()).cacheBytes > empty);
    await session.dispose();
    assert.equal((await quantised.memory()).cacheBytes, before);
  });

  test(`${id}: progress grows with every chunk and ends with all tokens`, async () => {
    const session = await quantised.session({ plan, prefillChunk: 64 });
    const seen: number[][] = [];
    await session.prefill(prompt, { onProgress: (...figures) => void seen.push(figures) });
    await session.dispose();
    assert.ok(
      seen.every(([done, total], i) => total === LENGTH && done > (seen[i - 1]?.[0] ?? 0)),
      `${seen}`,
    );
    assert.deepEqual(seen.at(-1), [LENGTH, LENGTH]);
    assert.ok(seen.length > Math.ceil(LENGTH / 64));
  });

  test(`${id}: all tokens go on where the prompt is short, where all are to be kept, and where every token is asked for`, async () => {
    const expected = await logitsOf(quantised, [...prompt, ...next]);
    for (const more of [{ least: LENGTH + 1 }, { keep: 1 }, { keep: LENGTH }, { window: 360 }]) {
      const session = await quantised.session({ plan: planOf({ ...selections[id], ...more }) });
      await session.prefill(prompt);
      assert.deepEqual(await readLogits(quantised, session, next), expected.slice(LENGTH), JSON.stringify(more));
      await session.dispose();
    }
    const session = await quantised.session({ plan });
    assert.deepEqual(await readLogits(quantised, session, [...prompt, ...next]), expected);
    await session.dispose();
  });

  test(`${id}: nothing of all layers is put into a store, nor taken from one`, async () => {
    const blocks = new Map<string, Uint8Array>();
    const store = {
      get: async (key: string) => blocks.get(key),
      put: async (key: string, block: Uint8Array) => void blocks.set(key, block),
    };
    const session = await quantised.session({ plan, store });
    await session.prefill(prompt);
    await session.prefill(randomIds(quantised, 150, 3));
    const { length } = session;
    await session.dispose();
    // fastkv stores what is below: reselect.test.ts.
    const below = id === "fastkv" ? Math.floor(LENGTH / 64) : 0;
    assert.deepEqual([length, blocks.size], [LENGTH + 150, below]);
    blocks.clear();
    const whole = await quantised.session({ store });
    await whole.prefill(prompt);
    await whole.dispose();
    assert.equal(blocks.size, Math.floor(LENGTH / 64));
    const other = await quantised.session({ plan, store });
    await other.prefill(prompt);
    assert.equal(other.restored, 0);
    await other.dispose();
  });
}

const methods = [
  { method: "triangle", from: 0, window: 64, last: 10, denseBelow: 64 },
  { method: "vertical-slash", vertical: 64, slash: 64, span: 64, denseBelow: 64 },
  { method: "flex", mass: 0.5, threshold: 0.3, span: 64, denseBelow: 0 },
  { method: "block-sparse", mass: 0.5, stride: 8, denseBelow: 0 },
];
for (const id of ids)
  test(`${id} beside prefill methods that see some pages only: they change something in both parts, chunks of any size nothing`, async () => {
    const long = randomIds(quantised, 900, 5);
    const readIn = async (prefill: object, prefillChunk: number) => {
      const plan = parsePlan({ prefill: { ...prefill, select: { ...selections[id], keep: 500 } } });
      const session = await quantised.session({ plan, prefillChunk });
      await session.prefill(long);
      const seen = await session.seenPages();
      const result = [await session.kept(), await readLogits(quantised, session, next)];
      await session.dispose();
      return { result, seen };
    };
    const full = await readIn({ method: "full" }, 512);
    for (const prefill of methods) {
      const whole = await readIn(prefill, 512);
      assert.notDeepEqual(whole.result[1], full.result[1], prefill.method);
      const layers = new Set(whole.seen.flatMap(({ layer, seen, all }) => (seen < all ? [layer] : [])));
      assert.ok(layers.has(quantised.model.numLayers - 1), `${prefill.method}: ${[...layers]}`);
      for (const chunk of [64, 97])
        assert.deepEqual((await readIn(prefill, chunk)).result, whole.result, prefill.method);
    }
  });

test("gemfilter: the session is one that has read the chosen tokens alone, bit for bit, also where others are linked behind", async () => {
  const session = await quantised.session({ plan: planOf(selections.gemfilter) });
  await session.prefill(prompt);
  const short = await quantised.session();
  await short.prefill((await positionsOf(session, 0)).map((position) => prompt[position]));
  assert.equal(short.length, KEPT);
  assert.deepEqual(await readLogits(quantised, session, next), await readLogits(quantised, short, next));
  assert.deepEqual(await written(session, 40), await written(short, 40));
  const source = await quantised.session();
  await source.prefill(randomIds(quantised, 200, 4));
  for (const each of [session, short]) await each.link(source, { start: 10, end: 100 });
  assert.deepEqual(await readLogits(quantised, session, next), await readLogits(quantised, short, next));
  for (const each of [session, short, source]) await each.dispose();
});

test("fastkv and snapkv after it: upper layers keep what the snapkv formula in f64 keeps of the tokens that went on, by the last queries at their own positions", async () => {
  const [budget, window, layer] = [100, 16, SCORING];
  const snapkv = { score: { method: "snapkv", window, kernel: 5 }, budget, sinks: 0, window: 0, format: "f32" };
  const session = await open(selections.fastkv, snapkv);
  await session.prefill(prompt);
  const tokens = choice("fastkv");
  const weights = heads.map(() => new Float64Array(KEPT));
  const x = tokens.map((token) => lower.x[token]);
  reference.layer(layer, x, tokens, (head, token, row) => {
    if (token < KEPT - window) return;
    row.forEach((weight, j) => {
      weights[head >> 1][j] += weight;
    });
  });
  const before = KEPT - window;
  const kept = weights.map((row) => {
    const near = (j: number) => range(Math.max(0, j - 2), Math.min(before, j + 3));
    const score = range(0, before).map((j) => near(j).reduce((sum, i) => sum + row[i], 0));
    const best = range(0, before).sort((a, b) => score[b] - score[a]);
    const slots = [...best.slice(0, budget - window), ...range(before, KEPT)];
    return slots.map((slot) => tokens[slot]).sort((a, b) => a - b);
  });
  const ours = (await session.kept()).filter((head) => head.layer === layer);
  assert.deepEqual(
    ours.map(({ positions }) => [...positions]),
    kept,
  );
  assert.equal((await written(session, 20)).length, 20);
  await session.dispose();
});

test("a trace tells weights by where tokens stand in the prompt: none of those that were left out, and 1 in all for each query head", async () => {
  for (const id of ids) {
    const session = await engine.session({ plan: planOf(selections[id], { format: "f32" }), trace: true });
    await session.prefill(prompt);
    const held = new Set(choice(id));
    for (const { layer, weights } of await session.trace()) {
      const isWhole = id === "fastkv" && layer < SCORING;
      assert.equal(weights.length, LENGTH);
      const left = weights.reduce((sum, weight, j) => sum + (isWhole || held.has(j) ? 0 : weight), 0);
      const sum = weights.reduce((a, b) => a + b, 0);
      assert.ok(left === 0 && Math.abs(sum - 2) < 1e-3, `${id}, layer ${layer}: ${left} of ${sum}`);
    }
    await session.dispose();
  }
});

test("a prompt that is read while other sessions read and write is read as alone, and so are theirs", async () => {
  const run = async (id: Id, index: number) => {
    const session = await quantised.session({ plan: planOf(selections[id]), prefillChunk: 60 + 20 * index });
    await session.prefill(prompt.slice(index * 10));
    const result = [await session.kept(), await written(session, 40)];
    await session.dispose();
    return result;
  };
  const alone = [];
  for (const [index, id] of ids.entries()) alone.push(await run(id, index));
  assert.deepEqual(await Promise.all(ids.map(run)), alone);
});
