import assert from "node:assert/strict";
import { after, test } from "node:test";
import { loadTiny, randomIds, readLogits } from "../../test/support/sessions.ts";
import { parsePlan } from "../context/plan.ts";
import { InputError } from "../runtime/errors.ts";
import type { Engine, Session, SessionOptions, TracedHead } from "./types.ts";

const engine = await loadTiny("llama-f32");
after(() => engine.dispose());
/** Query heads a KV head. */
const GROUP = 3;
const prompt = randomIds(engine, 300, 1);

async function generated(session: Session, maxTokens: number): Promise<number[]> {
  const ids: number[] = [];
  for await (const { tokenId } of session.generate({ maxTokens, ignoreEnd: true })) ids.push(tokenId);
  return ids;
}

async function traceOf(options: SessionOptions, steps: number, from: Engine = engine): Promise<readonly TracedHead[]> {
  const session = await from.session({ ...options, trace: true });
  await session.prefill(prompt);
  await generated(session, steps - 1);
  const trace = await session.trace();
  await session.dispose();
  return trace;
}

/** Every step gives each query head's softmax, 1 in all. */
function expectSums(trace: readonly TracedHead[], expected: number): void {
  for (const { layer, kvHead, weights } of trace) {
    const sum = weights.reduce((total, weight) => total + weight, 0);
    assert.ok(Math.abs(sum - expected) < 1e-3 * expected, `layer ${layer}, head ${kvHead}: ${sum}, not ${expected}`);
  }
}

test("a traced session gives the same tokens and logits, bit for bit", async () => {
  const results = [];
  for (const trace of [false, true]) {
    const session = await engine.session({ trace });
    const before = await readLogits(engine, session, prompt);
    const ids = await generated(session, 20);
    results.push({ before, ids, after: await readLogits(engine, session, prompt.slice(0, 5)) });
    await session.dispose();
  }
  assert.deepEqual(results[0], results[1]);
});

test("weights sum to 1 a step and query head, the prompt's last token included, for pages, zones and layers read one by one", async () => {
  const plans = [
    {},
    { cache: { format: "f32" } },
    { position: { method: "rerope", window: 64 } },
    { cache: { budget: 256, score: "key-norm", schedule: "layer-major" } },
  ];
  for (const plan of plans) {
    const trace = await traceOf({ plan: parsePlan(plan) }, 6);
    assert.deepEqual(
      trace.map(({ layer, kvHead, weights }) => [layer, kvHead, weights.length]),
      [0, 1].flatMap((layer) => [0, 1].map((kvHead) => [layer, kvHead, 305])),
    );
    expectSums(trace, 6 * GROUP);
  }
});

test("chunks of 7 and of 512 tokens give the same weights within 1e-5", async () => {
  const [short, long] = [await traceOf({ prefillChunk: 7 }, 3), await traceOf({}, 3)];
  for (const [i, { weights }] of long.entries())
    for (const [p, weight] of weights.entries()) assert.ok(Math.abs(weight - short[i].weights[p]) < 1e-5);
});

test("each prefill begins anew, and forks go on by themselves", async () => {
  const session = await engine.session({ trace: true });
  await session.prefill(prompt);
  await generated(session, 4);
  const fork = await session.fork();
  await fork.prefill(prompt.slice(0, 3));
  expectSums(await fork.trace(), GROUP);
  await generated(session, 2);
  expectSums(await session.trace(), 7 * GROUP);
  await Promise.all([session.dispose(), fork.dispose()]);
});

test("a fork can be traced where its origin is not: it sums what it generates from there on", async () => {
  const session = await engine.session();
  await session.prefill(prompt);
  const fork = await session.fork({ trace: true });
  await generated(fork, 3);
  expectSums(await fork.trace(), 3 * GROUP);
  await assert.rejects(session.trace(), InputError);
  const again = await fork.fork();
  expectSums(await again.trace(), 3 * GROUP);
  await Promise.all([session, fork, again].map((each) => each.dispose()));
});

test("of a model with sliding windows, the layers without one are traced", async () => {
  const gemma = await loadTiny("gemma3-f16");
  const traced = await traceOf({}, 2, gemma);
  await gemma.dispose();
  assert.deepEqual(
    traced.map(({ layer, kvHead }) => [layer, kvHead]),
    [
      [5, 0],
      [5, 1],
    ],
  );
});

test("a session that is not traced says how to trace it", async () => {
  const session = await engine.session();
  await session.prefill(prompt.slice(0, 3));
  await assert.rejects(
    session.trace(),
    (error) => error instanceof InputError && /^trace: .*Open it with \{ trace: true \}/.test(error.message),
  );
});
