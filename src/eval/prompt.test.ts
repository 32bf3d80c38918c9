import assert from "node:assert/strict";
import { test } from "node:test";
import { loadTiny } from "../../test/support/sessions.ts";
import { commonPrefix } from "../engine/shared-prefix.ts";
import { joinPrefix, renderParts, splitAtQuestion } from "./prompt.ts";

test("a prefix loses its leading space only after white space", () => {
  assert.equal(joinPrefix("<|assistant|>\n", " The answer"), "The answer");
  assert.equal(joinPrefix("Question?", " The answer"), " The answer");
});

test("context and rest are all of the prompt, and the context's tokens do not depend on the question", async () => {
  const engine = await loadTiny("qwen2-q8_0");
  const { tokenizer } = engine;
  const context = "The grass is green. The sky is blue. ";
  const cuts = ["What is green?", "“Quoted”?", "— dash"].map((question) => {
    const parts = { context, question, answerPrefix: " It is" };
    const { contextIds, restIds } = splitAtQuestion(tokenizer, parts, "raw");
    assert.deepEqual([...contextIds, ...restIds], [...renderParts(tokenizer, parts, "raw")]);
    assert.ok(context.startsWith(tokenizer.decode(contextIds)));
    return contextIds;
  });
  assert.ok(cuts.every((ids) => ids.length > 5 && commonPrefix(ids, cuts[0]) === Math.min(ids.length, cuts[0].length)));
  await engine.dispose();
});
