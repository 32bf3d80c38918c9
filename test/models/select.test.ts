/** Token selection with a real model: numbers in a book, asked for by name at its end. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { load, parsePlan, renderChat } from "../../src/index.ts";
import { modelPath } from "../support/models.ts";
import { insert, readBook } from "../support/passkey.ts";
import { textOf } from "../support/sessions.ts";

const engine = await load(await modelPath("qwen2.5-coder-0.5b"));
after(() => engine.dispose());

const numbers = { London: "4817263", Cairo: "9052748", Lima: "6391507", Oslo: "2748136" };
const cities = Object.keys(numbers) as (keyof typeof numbers)[];

/** About 3,400 tokens; the numbers are an eighth, three, five and seven eighths into the text. */
function promptOf(length: number): Int32Array {
  const { tokenizer } = engine;
  const book = tokenizer.decode(tokenizer.encode(readBook(), { bos: false }).subarray(0, length));
  const hide = (text: string, city: keyof typeof numbers, i: number) =>
    insert(text, `The secret number of ${city} is ${numbers[city]}.`, (i + 0.5) / cities.length);
  const text = cities.reduceRight(hide, book);
  const question =
    "What are the secret numbers of London, Cairo, Lima and Oslo in the text above? Answer with one line for each city.";
  return renderChat(tokenizer, [{ role: "user", content: `${text}\n\n${question}` }]);
}
const prompt = promptOf(3210);

async function answerBy(select: object | string) {
  const session = await engine.session({ plan: parsePlan({ prefill: { select } }) });
  await session.prefill(prompt);
  const answer = await textOf(session, { maxTokens: 60 });
  const { cacheBytes, pages } = await session.memory();
  await session.dispose();
  return { answer, found: cities.filter((city) => answer.includes(numbers[city])), cacheBytes, pages };
}

test("fastkv with a quarter of 3,300 tokens from layer 12 of 24 on answers as all tokens do, with all four numbers, and holds less than 0.65 of the pages, less than 1.15 of the bytes with the streams that wait for another question; from layer 6 on it loses some", async () => {
  const whole = await answerBy("all");
  assert.deepEqual(whole.found, cities, whole.answer);
  const half = await answerBy({ method: "fastkv", layer: 12, keep: 0.25 });
  assert.equal(half.answer, whole.answer);
  assert.ok(half.pages < 0.65 * whole.pages, `${half.pages} of ${whole.pages} pages`);
  assert.ok(half.cacheBytes < 1.15 * whole.cacheBytes, `${half.cacheBytes} of ${whole.cacheBytes} bytes`);
  const early = await answerBy({ method: "fastkv", layer: 6, keep: 0.25 });
  assert.ok(early.found.length < cities.length, early.answer);
});

test("spec-prefill and gemfilter, which read a quarter of 3,300 tokens from the beginning, find all four numbers", async () => {
  for (const select of ["spec-prefill", "gemfilter"]) {
    const { answer, found } = await answerBy(select);
    assert.deepEqual(found, cities, `${select}: ${answer}`);
  }
});
