import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { vocabularyMetadata } from "../../test/support/tiny-vocabulary.ts";
import type { GgufMetadata } from "../formats/gguf.ts";
import { createTokenizer } from "../tokenizer/tokenizer.ts";
import { renderPlain, renderWithSpans } from "./chat-spans.ts";

function tokenizerWith(template?: string) {
  const metadata = new Map<string, unknown>(Object.entries(vocabularyMetadata(300)));
  if (template !== undefined) metadata.set("tokenizer.chat_template", template);
  return createTokenizer(metadata as GgufMetadata);
}

test("every message is found where it stands, whatever it says, and the text is that of the tokens", () => {
  const tokenizer = tokenizerWith();
  const content = fc.string({ unit: fc.constantFrom("user", "<|im_end|>", "\n", " ", "~0~", "é", "x") });
  const messages = fc.array(
    fc.record({ role: fc.constantFrom("system", "user"), content }, { noNullPrototype: true }),
    {
      minLength: 1,
      maxLength: 4,
    },
  );
  fc.assert(
    fc.property(messages, (messages) => {
      const { tokens, text, messages: spans } = renderWithSpans(tokenizer, messages);
      assert.equal(tokenizer.decode(tokens, { special: true }), text);
      assert.deepEqual(
        spans.map(({ role, begin, end }) => ({ role, content: text.slice(begin, end) })),
        messages,
      );
      assert.ok(spans.every(({ begin }, i) => text.slice(0, begin).endsWith(`<|im_start|>${messages[i].role}\n`)));
    }),
    { numRuns: 60 },
  );
});

test("templates that trim, leave out or rewrite messages: the others are still found", () => {
  const messages = ["system", "user", "user"].map((role, i) => ({ role, content: ` text ${i} ` }));
  const textsUnder = (template: string) => {
    const { text, messages: spans } = renderWithSpans(tokenizerWith(template), messages);
    return spans.map(({ begin, end }) => text.slice(begin, end));
  };
  const loop = (body: string) => `{% for m in messages %}<|im_start|>${body}<|im_end|>{% endfor %}`;
  assert.deepEqual(textsUnder(loop("{{ m.content | trim }}")), ["text 0", "text 1", "text 2"]);
  assert.deepEqual(textsUnder(loop("{% if m.role == 'user' %}{{ m.content }}{% endif %}")), [
    "",
    " text 1 ",
    " text 2 ",
  ]);
  const rewriting = loop("{% if loop.index0 == 1 %}{{ m.content | upper }}{% else %}{{ m.content }}{% endif %}");
  assert.deepEqual(textsUnder(rewriting), [" text 0 ", "", " text 2 "]);
});

test("a plain prompt has no messages", () => {
  const { text, messages } = renderPlain(tokenizerWith(), "Once <|im_end|>");
  assert.deepEqual([text, messages], ["Once <|im_end|>", []]);
});
