/** What a sparse prefill captures of full attention, against softmax weights in f64. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { ReferenceModel } from "../../test/support/model-reference.ts";
import { loadTiny, randomIds, testHost, writeModel } from "../../test/support/sessions.ts";
import { tinyModel } from "../../test/support/tiny-model.ts";
import { parsePlan } from "../context/plan.ts";
import { InputError } from "../runtime/errors.ts";
import { loadEngine } from "./load.ts";
import type { Engine, RecalledHead, SessionOptions } from "./types.ts";

/** Six query heads on two KV heads, so that a head in another's place shows. */
const shape = { numHeads: 6, numKvHeads: 2, headDim: 64, hiddenSize: 64, feedForward: 64 };

const model = tinyModel("llama", { ...shape, layers: 2 });
const engine = await loadEngine(testHost({ availableThreads: () => 2 }), writeModel(model));
const gemma = await loadTiny("gemma3-f16");
after(() => Promise.all([engine.dispose(), gemma.dispose()]));

const blockSparse = { method: "block-sparse", mass: 0.5, stride: 8, denseBelow: 0 };

async function recallOf(
  from: Engine,
  ids: readonly number[],
  plan: object,
  options: SessionOptions = {},
): Promise<readonly RecalledHead[]> {
  const session = await from.session({ ...options, plan: parsePlan(plan), recall: true });
  await session.prefill(ids);
  const recall = await session.recall();
  await session.dispose();
  return recall;
}

test("shares are those of the softmax weights in f64 within 1e-4, row by row; a layer that sees all has 1 everywhere", async () => {
  const ids = randomIds(engine, 600, 1);
  // Layer 1 is the first that leaves anything out, so what comes into it is what full attention has there.
  const triangle = { method: "triangle", from: 1, sinks: 64, window: 128, last: 0, denseBelow: 0 };
  const recall = await recallOf(engine, ids, { prefill: triangle, cache: { format: "f32" } });

  const pages = [0, 8];
  const sees = (page: number, position: number) =>
    position < 64 || (position >= 64 * (page - 2) && position < 64 * (page + 1));
  const expected = Array.from({ length: shape.numHeads }, () => new Float64Array(pages.length * 64));
  const reference = new ReferenceModel(model);
  const positions = Int32Array.from(ids, (_, i) => i);
  const stream = reference.layer(0, reference.embed(ids), positions);
  reference.layer(1, stream, positions, (head, token, weights) => {
    const at = pages.indexOf(Math.floor(token / 64));
    if (at < 0) return;
    const row = at * 64 + (token % 64);
    const share = weights.reduce((sum, weight, position) => sum + (sees(pages[at], position) ? weight : 0), 0);
    expected[head][row] = share;
  });

  assert.deepEqual(
    recall.map(({ layer, head }) => [layer, head]),
    [0, 1].flatMap((layer) => expected.map((_, head) => [layer, head])),
  );
  for (const { layer, head, shares, seconds } of recall) {
    assert.equal(shares.length, pages.length * 64);
    assert.ok(seconds > 0);
    if (layer === 0) assert.ok(shares.every((share) => share === 1));
    else
      for (const [row, share] of shares.entries())
        assert.ok(
          Math.abs(share - expected[head][row]) < 1e-4,
          `head ${head}, row ${row}: ${share}, not ${expected[head][row]}`,
        );
  }
  const least = Math.min(...expected.flatMap((shares) => [...shares]));
  assert.ok(least < 0.7, `something is left out: ${least}`);
});

test("block-sparse: what the chunks of a prompt are changes no share; more mass captures more, all of it all; blocks below denseBelow are not asked", async () => {
  const ids = randomIds(engine, 1200, 2);
  const sharesAt = async (prefill: object, options: SessionOptions = {}) => {
    const recall = await recallOf(engine, ids, { prefill }, options);
    return recall.map(({ shares }) => shares);
  };
  const half = await sharesAt(blockSparse);
  assert.deepEqual(await sharesAt(blockSparse, { prefillChunk: 100 }), half);
  const mean = (heads: readonly Float32Array[]) => {
    const all = heads.flatMap((shares) => [...shares]);
    return all.reduce((sum, share) => sum + share, 0) / all.length;
  };
  const more = mean(await sharesAt({ ...blockSparse, mass: 0.8 }));
  assert.ok(mean(half) < more && more < 1, `${mean(half)}, ${more}`);
  for (const whole of [
    { ...blockSparse, mass: 1 },
    { method: "flex", mass: 1, span: 64, denseBelow: 0 },
  ])
    assert.equal(mean(await sharesAt(whole)), 1);
  const dense = await sharesAt({ ...blockSparse, denseBelow: 1024 });
  assert.ok(
    dense.every(({ length }) => length === 64),
    "page 16 alone is behind 1,024 tokens",
  );
});

test("logits do not depend on whether recall is asked for; a fork goes on with what was found", async () => {
  const ids = randomIds(engine, 1100, 3);
  const plan = parsePlan({ prefill: blockSparse });
  const logits: Float32Array[][] = [];
  for (const recall of [false, true]) {
    const rows: Float32Array[] = [];
    const session = await engine.session({ plan, recall });
    await session.prefill(ids, { onLogits: (chunk) => rows.push(chunk) });
    logits.push(rows);
    await session.dispose();
  }
  assert.deepEqual(logits[1], logits[0]);

  const whole = await recallOf(engine, ids, { prefill: blockSparse });
  const session = await engine.session({ plan, recall: true });
  await session.prefill(ids.slice(0, 640), { tokensAfter: ids.length - 640 });
  const before = await session.recall();
  const fork = await session.fork();
  await fork.prefill(ids.slice(640));
  const sharesOf = (heads: readonly RecalledHead[]) => heads.map(({ shares }) => shares);
  assert.deepEqual(sharesOf(await fork.recall()), sharesOf(whole));
  assert.deepEqual(sharesOf(await session.recall()), sharesOf(before));
  await Promise.all([session.dispose(), fork.dispose()]);
});

test("of a model with sliding windows, the layer without one is asked", async () => {
  const recall = await recallOf(gemma, randomIds(gemma, 600, 4), { prefill: blockSparse });
  assert.deepEqual(
    recall.map(({ layer, head, shares }) => [layer, head, shares.length > 0]),
    Array.from({ length: 6 }, (_, head) => [5, head, true]),
  );
});

test("a plan without sparse prefill has no recall; a session that does not find it out says how to ask", async () => {
  assert.deepEqual(await recallOf(engine, randomIds(engine, 600, 5), {}), []);
  const session = await engine.session({ plan: parsePlan({ prefill: blockSparse }) });
  await session.prefill([1, 2, 3]);
  await assert.rejects(
    session.recall(),
    (error) => error instanceof InputError && /^recall: .*Open it with \{ recall: true \}/.test(error.message),
  );
  await session.dispose();
});

test("the end of a prompt is where its last tokens come, in however many calls: logits are those of one call, and there is something to generate from after each", async () => {
  const ids = randomIds(engine, 640, 6);
  const triangle = { method: "triangle", from: 0, window: 64, last: 128, denseBelow: 0 };
  const lastRow = async (cuts: readonly number[], tellsRest: boolean) => {
    const session = await engine.session({ plan: parsePlan({ prefill: triangle }) });
    let row: Float32Array | undefined;
    const ends = [...cuts, ids.length];
    for (const [i, end] of ends.entries()) {
      const tokensAfter = tellsRest ? ids.length - end : 0;
      await session.prefill(ids.slice(ends[i - 1] ?? 0, end), {
        tokensAfter,
        onLogits: (logits) => {
          row = logits.slice(-engine.model.vocabularySize);
        },
      });
      const fork = await session.fork();
      for await (const { logProb } of fork.generate({ maxTokens: 1, logProbs: 0, ignoreEnd: true }))
        assert.ok(Math.abs(Math.max(...logProbs(row)) - (logProb ?? 0)) < 1e-4);
      await fork.dispose();
    }
    await session.dispose();
    return row;
  };
  const whole = await lastRow([], true);
  assert.deepEqual(await lastRow([256, 512], true), whole);
  assert.notDeepEqual(await lastRow([256, 512], false), whole, "a call that tells of no rest is the end of its prompt");
});

function logProbs(row: Float32Array | undefined): number[] {
  const logits = [...(row ?? [])];
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
  return logits.map((logit) => logit - Math.log(total));
}
