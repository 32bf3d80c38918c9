import assert from "node:assert/strict";
import { test } from "node:test";
import { documentOfIds, uniformModel } from "./closed-form.reference.ts";
import {
  longPerplexity,
  perplexityByContext,
  perplexityByPosition,
  perplexityChunked,
  perplexityShuffledPrefix,
  perplexitySlidingWindow,
  perplexityText,
} from "./index.ts";

const documents = [100, 120].map((length, i) => documentOfIds(`document ${i}`, new Array(length).fill(1)));
const engine = uniformModel(8);

test("results by context read as a table", async () => {
  const result = await perplexityByContext(engine, documents, { targets: 20, contexts: [0, 80] });
  assert.equal(
    perplexityText(result),
    `Perplexity by visible context
closed form · q8 pages · no BOS
the last 19 tokens of each document; gain in nats per token over 80 tokens of context

context  tokens  documents    NLL  perplexity           95 %  bits/byte    gain             95 %
0            38          2  2.079       8.000  8.000 … 8.000      1.500  +0.000  +0.000 … +0.000
80           38          2  2.079       8.000  8.000 … 8.000      1.500  +0.000  +0.000 … +0.000
`,
  );
});

test("every measure says what was measured and has its figures", async () => {
  const short = { targets: 20 };
  const results = [
    await perplexityByPosition(engine, documents),
    await perplexitySlidingWindow(engine, documents, { window: 50 }),
    await perplexityChunked(engine, documents, { window: 50 }),
    await perplexityShuffledPrefix(engine, documents, short),
    await longPerplexity(engine, documents),
  ];
  const expected = [
    /64 – 119 +92 +2 +2\.079 +8\.000/,
    /windows of 50 tokens, 12 apart[\s\S]*all +218 +2/,
    /first 25 predictions of each do not count[\s\S]*all +96 +2/,
    /after 80 tokens; context use \+0\.000 nats per token \+0\.000 … \+0\.000[\s\S]*other text +38/,
    /LongPPL\(self\): 0 key tokens, 0\.0 % of all \(K 32, d 8, LSD > 2, LCL > -2\)[\s\S]*key tokens +– +–[\s\S]*all tokens +218/,
  ];
  for (const [i, result] of results.entries()) {
    assert.match(perplexityText(result), expected[i]);
    assert.deepEqual(JSON.parse(JSON.stringify(result)), result);
  }
});
