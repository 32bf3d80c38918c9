/** Position methods in the engine: what they leave alone, what they change, how far they reach. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { type Engine, parsePlan } from "../../src/index.ts";
import { CapacityError, InputError } from "../../src/runtime/errors.ts";
import { compareRows } from "../support/kl.ts";
import { loadTiny, randomIds, readLogits } from "../support/sessions.ts";

const [engine, gemma] = await Promise.all([loadTiny("llama-q4_0"), loadTiny("gemma3-f16")]);
after(() => Promise.all([engine.dispose(), gemma.dispose()]));
const { contextLength } = engine.model;

async function logitsWith(on: Engine, position: object, tokenIds: number[]): Promise<Float32Array[]> {
  const session = await on.session({ plan: parsePlan({ position }) });
  const rows = await readLogits(on, session, tokenIds);
  await session.dispose();
  return rows;
}

test("dynamic-ntk at the trained length, and log-n within it, are the model as trained, bit for bit", async () => {
  const ids = randomIds(engine, 200, 1);
  const expected = await logitsWith(engine, { method: "rope" }, ids);
  for (const position of [
    { method: "dynamic-ntk", factor: 4, length: contextLength },
    { method: "rope", logN: true },
  ])
    assert.deepEqual(await logitsWith(engine, position, ids), expected);
});

test("every other method changes what is predicted, and position 0 not at all (KL below 1e-9) unless scores are sharpened", async () => {
  const ids = randomIds(engine, 120, 2);
  const expected = await logitsWith(engine, { method: "rope" }, ids);
  const pairs = { divisors: Array.from({ length: 48 }, (_, m) => 1 + m / 10) };
  for (const position of [
    { method: "linear", factor: 2 },
    { method: "ntk", factor: 4 },
    { method: "dynamic-ntk", factor: 4 },
    { method: "yarn", factor: 4 },
    { method: "longrope", factor: 4, ...pairs },
    { method: "llama3", factor: 8 },
  ]) {
    const rows = await logitsWith(engine, position, ids);
    // One key alone has all the weight, wherever it is turned to.
    assert.ok(compareRows(expected.slice(0, 1), rows.slice(0, 1)).maxKl < 1e-9, position.method);
    assert.ok(compareRows(expected.slice(60), rows.slice(60)).maxKl > 1e-7, position.method);
  }
});

test("a factor of 2 holds twice the context, refuses one token more with both numbers, and reads past the trained length", async () => {
  const session = await engine.session({ plan: parsePlan({ position: { method: "yarn", factor: 2 } }) });
  assert.equal(session.contextLength, 2 * contextLength);
  const ids = randomIds(engine, 2 * contextLength + 1, 3);
  await assert.rejects(session.prefill(ids), (error) => {
    assert.ok(error instanceof CapacityError);
    assert.deepEqual([error.expected, error.got], [2 * contextLength, 2 * contextLength + 1]);
    return true;
  });
  await session.prefill(ids.slice(0, contextLength + 100));
  assert.equal(session.length, contextLength + 100);
  await session.dispose();
});

test("infllm: any pieces give the same logits, bit for bit, and so do steps of one as long as too few pages are seen to split them", async () => {
  const plan = parsePlan({ position: { method: "infllm", local: 64, initial: 64, blocks: 2 } });
  const ids = randomIds(engine, 420, 6);
  const readIn = async (pieces: number[], prefillChunk?: number) => {
    const session = await engine.session({ plan, prefillChunk });
    const rows: Float32Array[] = [];
    for (const tokens of pieces)
      rows.push(...(await readLogits(engine, session, ids.slice(rows.length, rows.length + tokens))));
    await session.dispose();
    return rows;
  };
  const expected = await readIn([420]);
  assert.deepEqual(await readIn([199, 221], 57), expected);
  assert.deepEqual(await readIn([370, ...Array(50).fill(1)]), expected);
});

test("log-n sharpens only beyond the trained length", async () => {
  const ids = randomIds(engine, contextLength + 60, 4);
  const plain = await logitsWith(engine, { method: "linear", factor: 2 }, ids);
  const sharp = await logitsWith(engine, { method: "linear", factor: 2, logN: true }, ids);
  assert.deepEqual(sharp.slice(0, contextLength), plain.slice(0, contextLength));
  assert.notDeepEqual(sharp.at(-1), plain.at(-1));
});

test("layers with a sliding window are left as trained", async () => {
  const ids = randomIds(gemma, 100, 5);
  const [rope, linear] = await Promise.all(
    [{ method: "rope" }, { method: "linear", factor: 8 }].map((position) => logitsWith(gemma, position, ids)),
  );
  const hasFullLayer = gemma.model.numLayers >= 6;
  if (hasFullLayer) assert.notDeepEqual(linear.at(-1), rope.at(-1));
  else assert.deepEqual(linear, rope);
});

test("options are checked: unknown keys, factors of 1, as many divisors as pairs", async () => {
  for (const [position, message] of [
    [{ method: "yarn" }, /position\.factor/],
    [{ method: "yarn", factor: 1 }, /factor above 1/],
    [{ method: "yarn", factor: 2, beta: 3 }, /beta/],
    [{ method: "zarn" }, /position/],
  ] as const)
    assert.throws(() => parsePlan({ position }), message);
  const short = parsePlan({ position: { method: "longrope", factor: 2, divisors: [1, 2] } });
  await assert.rejects(engine.session({ plan: short }), (error) => {
    assert.ok(error instanceof InputError);
    assert.match(error.message, /expected 48 numbers, .* got 2/);
    return true;
  });
});
