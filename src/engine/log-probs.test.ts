import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { randomFloats } from "../../test/support/random.ts";
import { loadTiny, logitsOf, randomIds } from "../../test/support/sessions.ts";
import { withLogProbs } from "./log-probs.ts";

const engine = await loadTiny("llama-q4_0");
after(() => engine.dispose());

/** By the formula, in f64. */
function logSoftmax(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits);
  const best = Math.max(...values);
  const total = best + Math.log(values.reduce((sum, value) => sum + Math.exp(value - best), 0));
  return values.map((value) => value - total);
}

test("the likeliest come in falling order with their log softmax, within 1e-6", () =>
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 0, max: 20 }), fc.nat(), (size, count, seed) => {
      const logits = randomFloats(size, seed);
      const expected = logSoftmax(logits);
      const { logProb, top = [] } = withLogProbs(logits, size >> 1, count);
      assert.ok(Math.abs((logProb ?? 0) - expected[size >> 1]) < 1e-6);
      const order = [...expected.keys()].sort((a, b) => expected[b] - expected[a] || a - b).slice(0, count);
      assert.deepEqual(
        top.map(({ tokenId }) => tokenId),
        order,
      );
      for (const { tokenId, logProb } of top) assert.ok(Math.abs(logProb - expected[tokenId]) < 1e-6);
    }),
    { seed: 5 },
  ));

test("of equals the lower id comes first", () => {
  const { top } = withLogProbs(Float32Array.of(1, 2, 2, 2, 0), 0, 2);
  assert.deepEqual(
    top?.map(({ tokenId }) => tokenId),
    [1, 2],
  );
});

test("generated tokens come with the log probabilities that reading them gives, within 1e-6, and none where none were asked for", async () => {
  const prompt = randomIds(engine, 30, 1);
  const session = await engine.session();
  await session.prefill(prompt);
  const ids: number[] = [];
  const told: number[] = [];
  const options = { maxTokens: 8, ignoreEnd: true, temperature: 1, seed: 2, presencePenalty: 1 };
  for await (const { tokenId, logProb, top } of session.generate({ ...options, logProbs: 3 })) {
    ids.push(tokenId);
    told.push(logProb ?? Number.NaN);
    assert.equal(top?.length, 3);
  }
  const rows = await logitsOf(engine, [...prompt, ...ids]);
  ids.forEach((id, i) => {
    assert.ok(Math.abs(told[i] - logSoftmax(rows[prompt.length - 1 + i])[id]) < 1e-6);
  });
  for await (const token of session.generate({ maxTokens: 1, ignoreEnd: true }))
    assert.deepEqual(Object.keys(token), ["tokenId", "text"]);
  await session.dispose();
});

test("hidden states of all tokens do not depend on chunks, and come after a norm: their mean square differs by token less than 10-fold", async () => {
  const prompt = randomIds(engine, 90, 3);
  const hiddenOf = async (prefillChunk?: number) => {
    const session = await engine.session({ prefillChunk });
    const rows: Float32Array[] = [];
    await session.prefill(prompt, { onHidden: (hidden) => rows.push(hidden) });
    await session.dispose();
    return rows.flatMap((row) => [...row]);
  };
  const whole = await hiddenOf();
  const { hiddenSize } = engine.model;
  assert.equal(whole.length, 90 * hiddenSize);
  assert.deepEqual(await hiddenOf(7), whole);
  const squares = Array.from({ length: 90 }, (_, t) =>
    whole.slice(t * hiddenSize, (t + 1) * hiddenSize).reduce((sum, x) => sum + x * x, 0),
  );
  assert.ok(Math.max(...squares) < 10 * Math.min(...squares));
});

test("a constraint is asked before every token and told of every one, the end token as well", async () => {
  const session = await engine.session();
  await session.prefill(randomIds(engine, 10, 4));
  const [end] = engine.tokenizer.endIds;
  const wanted = [5, 9, 5, end];
  const accepted: number[] = [];
  const constraint = {
    mask: () => {
      const mask = new Uint32Array(Math.ceil(engine.model.vocabularySize / 32));
      const id = wanted[Math.min(accepted.length, wanted.length - 1)];
      mask[id >> 5] |= 1 << (id & 31);
      return mask;
    },
    accept: (id: number) => void accepted.push(id),
  };
  const ids: number[] = [];
  for await (const { tokenId } of session.generate({ maxTokens: 9, constraint, temperature: 1 })) ids.push(tokenId);
  assert.deepEqual([ids, accepted], [wanted.slice(0, 3), wanted]);
  await session.dispose();
});
