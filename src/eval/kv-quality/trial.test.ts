import assert from "node:assert/strict";
import { after, test } from "node:test";
import { argmax } from "../../../test/support/kl.ts";
import { loadTiny, randomIds } from "../../../test/support/sessions.ts";
import { answer, follow } from "./trial.ts";

const engine = await loadTiny("qwen2-q8_0");
after(() => engine.dispose());

const ids = Int32Array.from(randomIds(engine, 170, 1));
const prompt = { contextIds: ids.slice(0, 150), restIds: ids.slice(150) };

for (const [questionKnown, calls, again] of [
  [false, [150, 20], [22, 19]],
  [true, [170], [41]],
] as const)
  test(`question ${questionKnown ? "known" : "not known"}: the prompt is read in ${calls.length} call${calls.length > 1 ? "s" : ""}, and again where the answer sealed its page`, async () => {
    const session = await engine.session();
    const lengths: number[] = [];
    const prefill = session.prefill.bind(session);
    session.prefill = (tokenIds, options) => {
      lengths.push(tokenIds.length);
      return prefill(tokenIds, options);
    };
    const options = { questionKnown };
    const { tokenIds, tokens, cacheBytes } = await answer(session, prompt, { maxTokens: 30 }, options);
    assert.deepEqual(lengths, calls);
    assert.equal(tokens, 170 + tokenIds.length);
    assert.ok(tokens > 192, "the answer sealed no page: the test lost its subject");
    assert.equal(cacheBytes, (await session.memory()).cacheBytes);

    const rows: number[] = [];
    await follow(session, prompt, tokenIds, engine.model.vocabularySize, options, (logits, row) => {
      assert.equal(row, rows.length);
      rows.push(argmax(logits));
    });
    // Tokens up to 128 are still there; the last one of the prompt comes with the answer.
    assert.deepEqual(lengths.slice(calls.length), [...again, 1 + tokenIds.length]);
    assert.equal(rows.length, tokenIds.length + 1);
    assert.deepEqual(rows.slice(0, -1), tokenIds);
    await session.dispose();
  });
