/** Another end of a prompt of which some tokens only went on: it is read and selects as if the prompt had been read anew, bit for bit. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { textSeed } from "../../src/engine/text-seed.ts";
import { parsePlan, type Session } from "../../src/index.ts";
import { loadTiny, randomIds, readLogits } from "../support/sessions.ts";

const engine = await loadTiny("qwen2-q8_0");
after(() => engine.dispose());

const LENGTH = 700;
const WINDOW = 20;
// Of its two layers the first reads all tokens.
const select = { method: "fastkv", layer: 2, window: WINDOW, keep: 300, least: 256, pool: 7 };
const text = randomIds(engine, LENGTH, 1);
const next = randomIds(engine, 12, 2);
/** The text up to somewhere, and another end. */
const withEnd = (cut: number, length: number, seed: number) => [
  ...text.slice(0, cut),
  ...randomIds(engine, length, seed),
];

function planOf({ prefill = {}, cache = {}, more = {} }: { prefill?: object; cache?: object; more?: object } = {}) {
  return parsePlan({ prefill: { ...prefill, select: { ...select, ...more } }, cache });
}
type Plan = ReturnType<typeof planOf>;

async function open(plan: Plan, prompt: number[] = text, prefillChunk?: number): Promise<Session> {
  const session = await engine.session({ plan, prefillChunk });
  await session.prefill(prompt);
  return session;
}

/** What it holds, writes and answers to further tokens. */
async function stateOf(session: Session) {
  const kept = await session.kept();
  const copy = await session.fork();
  const written: number[] = [];
  for await (const { tokenId } of copy.generate({ maxTokens: 4, ignoreEnd: true })) written.push(tokenId);
  await copy.dispose();
  const { length } = session;
  return { length, kept, written, logits: await readLogits(engine, session, next) };
}

async function anew(plan: Plan, prompt: number[]) {
  const session = await open(plan, prompt);
  const state = await stateOf(session);
  await session.dispose();
  return state;
}

/** Goes back to `cut` and reads the rest of the prompt. Gives how many tokens were not read again. */
async function goOn(session: Session, cut: number, prompt: number[]): Promise<number> {
  const left = await session.truncate(cut);
  assert.equal(session.length, left);
  await session.prefill(prompt.slice(left));
  return left;
}

const methods = {
  full: {},
  "sink-window": { method: "sink-window", sinks: 64, window: 128, denseBelow: 128 },
  triangle: { method: "triangle", from: 0, window: 64, last: 150, denseBelow: 64 },
  "vertical-slash": { method: "vertical-slash", vertical: 64, slash: 64, span: 128, denseBelow: 64 },
  flex: { method: "flex", mass: 0.5, threshold: 0.3, span: 128, denseBelow: 0 },
  "block-sparse": { method: "block-sparse", mass: 0.5, stride: 8, denseBelow: 0 },
};
/** Tokens at a prompt's end that a method reads otherwise. */
const LAST: Record<string, number> = { triangle: 150 };
for (const [name, prefill] of Object.entries(methods))
  test(`prefill ${name}: any cut and any new end give what reading anew gives, and read no more twice than its last ${LAST[name] ?? WINDOW} tokens and what a page lacks`, async () => {
    const plan = planOf({ prefill });
    const last = LAST[name] ?? WINDOW;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: LENGTH - 1 }),
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 64, max: 512 }),
        async (cut, length, chunk) => {
          const prompt = withEnd(cut, length, cut);
          const session = await open(plan, text, chunk);
          const left = await goOn(session, cut, prompt);
          const most = Math.min(cut + 1 - last, LENGTH - last);
          assert.ok(left > most - 64 && left <= Math.max(0, most) && left % 64 === 0, `${left} of ${cut}`);
          assert.deepEqual(await stateOf(session), await anew(plan, prompt));
          await session.dispose();
        },
      ),
      {
        numRuns: 5,
        seed: 3,
        examples: [
          [LENGTH - 1, 1, 512],
          [640, 300, 97],
          [200, 30, 512],
        ],
      },
    );
  });

for (const cache of [{ format: "f32" }, { format: "q4" }, { format: { method: "q2", values: "token" } }])
  test(`pages ${JSON.stringify(cache.format)}: another end, and another of that, are as read anew`, async () => {
    const plan = planOf({ cache });
    const session = await open(plan);
    for (const [cut, seed] of [
      [650, 1],
      [600, 2],
      [640, 3],
      [128, 4],
    ] as const) {
      const prompt = withEnd(cut, 200, seed);
      await goOn(session, Math.min(cut, session.length - 1), prompt);
      assert.deepEqual(
        await session.kept(),
        await open(plan, prompt).then(async (other) => {
          const kept = await other.kept();
          await other.dispose();
          return kept;
        }),
      );
    }
    assert.deepEqual(await stateOf(session), await anew(plan, withEnd(128, 200, 4)));
    await session.dispose();
  });

function newStore() {
  const blocks = new Map<string, Uint8Array>();
  const get = async (key: string) => blocks.get(key);
  const put = async (key: string, payload: Uint8Array) => void blocks.set(key, payload);
  return { blocks, get, put };
}

test("copies go their own way: each its end, the first as it was, and all memory comes back", async () => {
  const { cacheBytes: before } = await engine.memory();
  const plan = planOf();
  const session = await open(plan);
  const [a, b] = [await session.fork(), await session.fork()];
  await goOn(a, 600, withEnd(600, 100, 1));
  const c = await a.fork();
  await goOn(b, 500, withEnd(500, 90, 2));
  assert.equal(await c.truncate(550), await a.truncate(550));
  const d = await c.fork();
  for (const each of [c, d]) await each.prefill(withEnd(550, 100, 3).slice(each.length));
  assert.deepEqual(await stateOf(c), await anew(plan, withEnd(550, 100, 3)));
  assert.deepEqual(await stateOf(d), await anew(plan, withEnd(550, 100, 3)));
  assert.deepEqual(await stateOf(b), await anew(plan, withEnd(500, 90, 2)));
  assert.deepEqual(await stateOf(session), await anew(plan, text));
  for (const each of [session, a, b, c, d]) await each.dispose();
  assert.equal((await engine.memory()).cacheBytes, before);
});

test("what was appended and written behind the prompt is gone with its end; going back within it alone changes nothing else", async () => {
  const plan = planOf();
  const session = await open(plan);
  for await (const _ of session.generate({ maxTokens: 70, ignoreEnd: true }));
  await session.prefill(next);
  assert.equal(await session.truncate(LENGTH + 78), LENGTH + 78);
  const left = await session.truncate(LENGTH + 1);
  assert.ok(left < LENGTH && left > LENGTH - 64 - WINDOW, `${left}: no page of the prompt's end is whole`);
  await session.prefill(text.slice(left));
  assert.deepEqual(await stateOf(session), await anew(plan, text));
  await session.dispose();
});

test("an end that makes the prompt shorter than those of which some go on lets all go on", async () => {
  const plan = planOf();
  const session = await open(plan);
  const prompt = withEnd(200, 40, 5);
  assert.ok((await goOn(session, 200, prompt)) > 0);
  assert.deepEqual(await stateOf(session), await anew(plan, prompt));
  await session.dispose();
});

test("broken off in either part, a session awaits its end as before, and then reads it as a new one", async () => {
  const plan = planOf();
  const session = await open(plan, text, 64);
  const prompt = withEnd(500, 400, 6);
  const left = await session.truncate(500);
  const { cacheBytes } = await session.memory();
  for (const share of [0, 0.3, 0.95]) {
    const controller = new AbortController();
    const onProgress = (done: number, total: number) => void (done >= share * total && controller.abort());
    const rest = prompt.slice(left);
    await assert.rejects(session.prefill(rest, { signal: controller.signal, onProgress }), { name: "AbortError" });
    assert.equal(session.length, left);
    assert.equal((await session.memory()).cacheBytes, cacheBytes);
  }
  await session.prefill(prompt.slice(left));
  assert.deepEqual(await stateOf(session), await anew(plan, prompt));
  await session.dispose();
});

test("until its end came a session answers nothing else: an error says what to do, and nothing is lost", async () => {
  const plan = planOf({ cache: {} });
  const session = await open(plan);
  const other = await engine.session();
  await other.prefill(next);
  const left = await session.truncate(500);
  const refused = { name: "InputError", message: /awaits what comes behind \d+ tokens.*prefill\(\)/ };
  const rest = withEnd(500, 100, 7).slice(left);
  await assert.rejects(session.prefill(rest, { onLogits: () => {} }), refused);
  await assert.rejects(session.prefill(rest, { compress: false }), refused);
  await assert.rejects(session.prefill(rest, { targets: rest, onLogProbs: () => {} }), refused);
  await assert.rejects(session.link(other), refused);
  await assert.rejects(other.link(session), refused);
  await assert.rejects(session.prefill(rest.slice(0, WINDOW - 1)), {
    name: "InputError",
    message: /at least 20 tokens/,
  });
  await assert.rejects(async () => {
    for await (const _ of session.generate({ maxTokens: 1 }));
  }, /Call prefill\(\) first/);
  await session.prefill(rest);
  assert.deepEqual(await stateOf(session), await anew(plan, withEnd(500, 100, 7)));
  await session.dispose();
  await other.dispose();
});

test("slots dropped behind a selection: copies drop by their own question, what they were made from selects anew", async () => {
  const cache = { score: { method: "snapkv", window: 16, kernel: 5 }, budget: 100, sinks: 0, window: 0, format: "f32" };
  const { cache: dropping } = planOf({ cache });
  const plan = planOf({ cache: { format: "f32" } });
  const keptAfter = async (prompt: number[], from?: Session) => {
    const session = from ?? (await engine.session({ plan, collect: [dropping] }));
    if (from) await goOn(session, 600, prompt);
    else await session.prefill(prompt);
    const copy = await session.fork();
    await copy.compress(dropping);
    const kept = await copy.kept();
    assert.equal(await copy.truncate(300), 0, "of a copy that has dropped slots nothing is left");
    await copy.dispose();
    return { session, kept };
  };
  const { session } = await keptAfter(text);
  const again = await keptAfter(withEnd(600, 80, 8), session);
  const fresh = await keptAfter(withEnd(600, 80, 8));
  assert.deepEqual(again.kept, fresh.kept);
  for (const each of [session, fresh.session]) await each.dispose();
});

test("its bytes count the streams that wait: a row of the hidden size for every token, in blocks of 64", async () => {
  const [selected, whole] = [await open(planOf()), await open(planOf({ more: { keep: 1 } }))];
  const bytes = async (session: Session) => (await session.memory()).cacheBytes;
  const pages = async (session: Session) => (await session.memory()).pages;
  const waiting = Math.ceil(LENGTH / 64) * 64 * engine.model.hiddenSize * 4;
  const [difference, fewer] = [
    (await bytes(whole)) - (await bytes(selected)),
    (await pages(whole)) - (await pages(selected)),
  ];
  const page = (difference + waiting) / fewer;
  assert.ok(Number.isInteger(page) && page > 64 * 64, `${page} bytes a page`);
  for (const each of [selected, whole]) await each.dispose();
});

const methodsThatStore = ["full", "sink-window", "triangle", "block-sparse"] as const;
for (const name of methodsThatStore)
  test(`prefill ${name}: what is below a selection is stored; another session goes on from it, also under other options of the selection, and holds what reading anew gives`, async () => {
    const store = newStore();
    const prefill = methods[name];
    const plan = planOf({ prefill });
    const read = async (plan: Plan, prompt: number[]) => {
      const session = await engine.session({ plan, store });
      const progress: number[] = [];
      await session.prefill(prompt, { onProgress: (done) => void progress.push(done) });
      const { restored } = session;
      assert.deepEqual(
        progress,
        [...progress].sort((a, b) => a - b),
      );
      assert.equal(progress.at(-1), prompt.length);
      const state = await stateOf(session);
      await session.dispose();
      return { restored, state };
    };
    assert.equal((await read(plan, text)).restored, 0);
    const last = LAST[name] ?? 0;
    const whole = Math.floor(last > 0 ? 512 / 64 : LENGTH / 64);
    assert.equal(store.blocks.size, whole, "blocks");
    for (const [cut, other] of [
      [650, plan],
      [640, planOf({ prefill, more: { keep: 200, window: 30, pool: 3 } })],
      [300, plan],
    ] as const) {
      const prompt = withEnd(cut, 160, cut);
      const { restored, state } = await read(other, prompt);
      const rest = Math.max(LAST[name] ?? 0, other === plan ? WINDOW : 30);
      const most = Math.min(cut, whole * 64, prompt.length - rest);
      assert.equal(restored, most - (most % 64), `${cut}`);
      assert.deepEqual(state, await anew(other, prompt));
    }
  });

test("what is stored below a selection is known by how many layers are below, not by what the selection does", async () => {
  const seed = (more: object, below?: number) =>
    textSeed(new Uint8Array(8), planOf({ prefill: methods.flex, more }), below);
  assert.deepEqual(await seed({}, 2), await seed({ keep: 100, window: 5 }, 2));
  assert.notDeepEqual(await seed({}, 2), await seed({}, 1));
  assert.notDeepEqual(await seed({}, 2), await seed({}));
});

test("patterns of what was read are not stored, and a block that is not whole is not taken", async () => {
  const store = newStore();
  for (const name of ["flex", "vertical-slash"] as const) {
    const session = await engine.session({ plan: planOf({ prefill: methods[name] }), store });
    await session.prefill(text);
    await session.dispose();
    assert.equal(store.blocks.size, 0, name);
  }
  const plan = planOf();
  const first = await engine.session({ plan, store });
  await first.prefill(text);
  await first.dispose();
  const keys = await engine.textKeys(text, plan);
  assert.deepEqual([...store.blocks.keys()], keys);
  store.blocks.delete(keys[5]);
  const session = await engine.session({ plan, store });
  await session.prefill(text);
  assert.equal(session.restored, 5 * 64);
  assert.equal(store.blocks.size, keys.length, "what was missing is stored again");
  assert.deepEqual(await stateOf(session), await anew(plan, text));
  await session.dispose();
});

test("with a store, cuts and copies go on as without one, and what they read goes there; broken off, what was stored stays", async () => {
  const store = newStore();
  const plan = planOf();
  const session = await engine.session({ plan, store, prefillChunk: 100 });
  await session.prefill(text);
  const copy = await session.fork();
  await goOn(copy, 600, withEnd(600, 300, 1));
  assert.deepEqual(await stateOf(copy), await anew(plan, withEnd(600, 300, 1)));
  const stored = Math.floor(LENGTH / 64) + Math.floor(900 / 64) - Math.floor(600 / 64);
  assert.equal(store.blocks.size, stored);
  const broken = await engine.session({ plan, store, prefillChunk: 100 });
  const controller = new AbortController();
  const prompt = withEnd(640, 900, 2);
  const onProgress = (done: number) => void (done > 700 && controller.abort());
  await assert.rejects(broken.prefill(prompt, { signal: controller.signal, onProgress }), { name: "AbortError" });
  assert.equal(broken.length, 640);
  assert.ok(store.blocks.size > stored);
  await broken.prefill(prompt.slice(640));
  assert.deepEqual(await stateOf(broken), await anew(plan, prompt));
  for (const each of [session, copy, broken]) await each.dispose();
});
