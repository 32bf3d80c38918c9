/** The measures on a real engine with tiny weights: equal to what its logits say, and to each other. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { logSoftmax } from "../../../test/support/kl.ts";
import { loadTiny, logitsOf, planWith, randomIds } from "../../../test/support/sessions.ts";
import { documentOfIds } from "./closed-form.reference.ts";
import {
  documentOf,
  perplexityByContext,
  perplexityByPosition,
  perplexityChunked,
  perplexitySlidingWindow,
} from "./index.ts";

const engine = await loadTiny("qwen2-q8_0");
after(() => engine.dispose());
const documents = [384, 448].map((length, i) => documentOfIds(`document ${i}`, randomIds(engine, length, i + 1)));
const plan = planWith("f32");

function close(actual: number, expected: number, bound: number): void {
  assert.ok(Math.abs(actual - expected) <= bound, `${actual} is not ${expected}`);
}

test("by position: the buckets add up to the NLL that one pass of logits gives, within 1e-4 nats a token", async () => {
  const { buckets, total } = await perplexityByPosition(engine, documents, { plan });
  let nats = 0;
  for (const { tokenIds } of documents) {
    const rows = await logitsOf(engine, tokenIds, { format: "f32" });
    for (let i = 1; i < tokenIds.length; i++) nats -= logSoftmax(rows[i - 1])[tokenIds[i]];
  }
  assert.equal(total.tokens, 384 + 448 - 2);
  close(total.nll, nats / total.tokens, 1e-4);
  close(
    buckets.reduce((sum, { nll, tokens }) => sum + nll * tokens, 0),
    total.nll * total.tokens,
    1e-6,
  );
});

test("sliding windows with stride = window are chunks of which all is scored, within 1e-12", async () => {
  const sliding = await perplexitySlidingWindow(engine, documents, { window: 64, stride: 64, plan });
  const chunked = await perplexityChunked(engine, documents, { window: 64, unscored: 0, plan });
  assert.equal(sliding.total.tokens, 13 * 63);
  assert.equal(sliding.total.tokens, chunked.total.tokens);
  close(sliding.total.nll, chunked.total.nll, 1e-12);
});

test("visible context with all of a document visible is the end of its one pass, within 1e-12", async () => {
  const [document] = documents;
  const { contexts } = await perplexityByContext(engine, [document], { targets: 128, contexts: [0, 64, 256], plan });
  const { buckets } = await perplexityByPosition(engine, [document], { plan });
  const last = buckets.at(-1)!;
  assert.deepEqual([last.from, last.to], [256, 384]);
  // Context 0 makes the first target unscorable, so it is left out here and scored alone there.
  const all = await perplexityByContext(engine, [document], { targets: 128, contexts: [256], plan });
  close(all.contexts[0].nll, last.nll, 1e-12);
  assert.equal(all.contexts[0].tokens, 128);
  assert.ok(contexts.every(({ tokens }) => tokens === 127));
  assert.notEqual(contexts[0].nll, contexts[2].nll);
});

test("documents know the bytes of their tokens: they add up to the text's", () => {
  for (const text of ["the sand and the wind", "naïve — 日本語 🙂", "\ud800 alone"]) {
    const { tokenIds, byteEnds } = documentOf(engine.tokenizer, { name: "text", text });
    assert.equal(tokenIds.length, byteEnds.length);
    assert.equal(byteEnds.at(-1), new TextEncoder().encode(text).length);
    assert.equal(byteEnds[0], engine.tokenizer.tokenBytes(tokenIds[0]).length);
  }
});

test("a tokenizer that puts a space before the text has it counted to no byte, one that loses bytes is refused", () => {
  const words = { encode: () => Int32Array.of(0, 1), tokenBytes: (id: number) => new Uint8Array(id === 0 ? 4 : 3) };
  assert.deepEqual([...documentOf(words, { name: "text", text: "abcdef" }).byteEnds], [3, 6]);
  assert.throws(() => documentOf(words, { name: "text", text: "abcdefghi" }), /expected tokens of 9 bytes, got 7/);
});
