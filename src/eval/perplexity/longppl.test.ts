/** Key tokens of models that copy, whose LSD can be worked out, and spans that reach another tokenizer. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../../runtime/errors.ts";
import { closedFormModel, documentOfIds, uniformModel } from "./closed-form.reference.ts";
import { findKeySpans, longPerplexity } from "./index.ts";

const copying = closedFormModel((seen, next) => (seen.includes(next) ? 0.5 : 0.01), { name: "copying" });

/** 256 different tokens, of which the four at 100 come back at 200, out of sight of windows of 64, and two at 190 at 210. */
const ids = Array.from({ length: 256 }, (_, i) => i);
for (let i = 0; i < 4; i++) ids[200 + i] = ids[100 + i];
for (let i = 0; i < 2; i++) ids[210 + i] = ids[190 + i];
const text = documentOfIds("text", ids, 3);
const criteria = { window: 64, stride: 16 };

test("key are exactly the tokens that only a far look predicts; LongPPL is their perplexity, 2 within 1e-9", async () => {
  const { documents } = await findKeySpans(copying, [text], criteria);
  assert.deepEqual(documents, [{ name: "text", bytes: 768, spans: [[600, 612]] }]);
  const result = await longPerplexity(copying, [text], criteria);
  assert.equal(result.label, "LongPPL(self)");
  assert.equal(result.keyTokens, 4);
  assert.equal(result.keyShare, 4 / 255);
  assert.ok(Math.abs(result.key!.perplexity - 2) < 1e-9);
  assert.ok(Math.abs(result.key!.bitsPerByte - 1 / 3) < 1e-9);
  assert.ok(Math.abs(result.total.nll + (6 * Math.log(0.5) + 249 * Math.log(0.01)) / 255) < 1e-9);
});

test("a far look that gains less than alpha, or leaves a token unlikely, makes no key: LSD > alpha and LCL > beta", async () => {
  for (const [key, far, near] of [
    [true, 0.5, 0.5 / Math.exp(2.01)],
    [false, 0.5, 0.5 / Math.exp(1.99)],
    [true, Math.exp(-1.99), 0.001],
    [false, Math.exp(-2.01), 0.001],
  ] as const) {
    const engine = closedFormModel((seen, next) => (seen.includes(next) ? far : near));
    assert.equal((await longPerplexity(engine, [text], criteria)).key !== undefined, key, `${far} ${near}`);
  }
});

test("windows judge with K to K + d − 1 tokens to see, and begin with BOS where the model does", async () => {
  const engine = uniformModel(8, { bosId: 7 });
  await findKeySpans(engine, [text], criteria);
  const [whole, ...windows] = engine.inputs;
  assert.equal(whole.length, 256);
  // Begins at 16, 32, …, 176; the one at 176 judges the tokens from 240 on.
  assert.deepEqual(
    windows.map(([bos, first]) => [bos, first]),
    Array.from({ length: 11 }, (_, i) => [7, 16 * (i + 1)]),
  );
  assert.ok(windows.every((window) => window.length === 80));
});

test("spans found by one model judge the tokens of another: those inside a span, whatever their length", async () => {
  const keySpans = await findKeySpans(copying, [text], criteria);
  // Tokens of 4 bytes: 600 to 612 holds tokens 150, 151, 152. Of 8 bytes: 600 to 608 is token 75, the next one sticks out.
  for (const [bytes, keyTokens] of [
    [4, 3],
    [8, 1],
  ]) {
    const other = documentOfIds("text", ids.slice(0, 768 / bytes), bytes);
    const result = await longPerplexity(uniformModel(8), [other], { keySpans: JSON.parse(JSON.stringify(keySpans)) });
    assert.equal(result.label, "LongPPL(copying)");
    assert.equal(result.keyTokens, keyTokens);
    assert.ok(Math.abs(result.key!.perplexity - 8) < 1e-9);
    assert.deepEqual(result.criteria, { window: 64, stride: 16, alpha: 2, beta: -2 });
  }
  const self = await longPerplexity(copying, [text], { keySpans });
  assert.deepEqual(self, await longPerplexity(copying, [text], criteria));
  await assert.rejects(
    longPerplexity(copying, [documentOfIds("another", ids)], { keySpans }),
    /key spans: expected those of document another, got text/,
  );
});

test("window and stride are the published 4,096 and 1,024 for 8K tokens and more, and shrink for shorter texts", async () => {
  for (const [length, window] of [
    [9000, 4096],
    [8191, 2048],
    [100, 32],
    [16, 8],
  ]) {
    const document = documentOfIds("text", ids.concat(...Array(40).fill(ids)).slice(0, length));
    const engine = uniformModel(8, { contextLength: 32_768 });
    const { criteria } = await longPerplexity(engine, [document]);
    assert.deepEqual([criteria.window, criteria.stride], [window, window / 4]);
  }
  await assert.rejects(longPerplexity(copying, [documentOfIds("short", [1, 2, 3])]), InputError);
  await assert.rejects(longPerplexity(copying, [text], { window: 0 }), /window: expected .* got 0/);
});
