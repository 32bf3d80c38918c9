/** Exact reading against linked documents, on a tiny model. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { loadTiny } from "../../../test/support/sessions.ts";
import { InputError } from "../../runtime/errors.ts";
import { builtInHaystack } from "../haystack.ts";
import { measureReuse } from "./reuse.ts";
import { factTexts } from "./texts.ts";

const engine = await loadTiny("qwen2-q8_0");
after(() => engine.dispose());
const haystack = builtInHaystack();
const options = { haystack, documents: 2, tokens: 460, samples: 1 };

test("documents that are computed anew as a whole differ by nothing from an exact reading, those that are linked do, in every way of reading them", async () => {
  const seen: number[] = [];
  const result = await measureReuse(engine, {
    ...{ ...options, recompute: [0, 460], isolated: [false, true] },
    onProgress: (done, total) => {
      assert.equal(total, 5);
      seen.push(done);
    },
  });
  assert.deepEqual(seen, [1, 2, 3, 4, 5]);
  const [exact, ...rows] = result.rows;
  assert.equal(exact.linked, undefined);
  assert.equal(exact.asked, 10);
  assert.deepEqual(
    rows.map(({ linked }) => linked),
    [false, true].flatMap((isolated) => [0, 460].map((recompute) => ({ recompute, isolated }))),
  );
  for (const { linked, kl, top1, found, seconds } of rows) {
    assert.equal(kl === 0, linked?.recompute === 460, `${JSON.stringify(linked)}: ${kl}`);
    if (kl === 0) assert.deepEqual([top1, found], [1, exact.found]);
    assert.ok(seconds > 0);
  }
});

test("documents fill their tokens to within 5 %, hold every fact once, and are the same in every order; samples differ", () => {
  const textsOf = (sample: number) => {
    const texts = factTexts(engine, { ...options, sample });
    return { ...texts, decoded: texts.documents.map((ids) => engine.tokenizer.decode(ids)) };
  };
  const first = textsOf(0);
  for (const { length } of first.documents) assert.ok(length <= 460 && length > 437, `${length} tokens`);
  const whole = first.decoded.join("");
  for (const { answer } of first.questions) assert.ok(whole.includes(answer), answer);
  const titles = (texts: typeof first) => texts.decoded.map((text) => /document (\d)/.exec(text)?.[1]);
  assert.deepEqual(titles(first), ["1", "2"]);
  const second = textsOf(1);
  assert.deepEqual(titles(second), ["2", "1"]);
  assert.deepEqual(second.head, first.head);
  assert.notDeepEqual(second.documents[0], first.documents[1]);
});

test("documents shorter than their facts, and more documents than facts, are refused", () => {
  assert.throws(() => factTexts(engine, { ...options, tokens: 40, sample: 0 }), InputError);
  assert.throws(() => factTexts(engine, { ...options, documents: 11, sample: 0 }), /at most 10/);
});
