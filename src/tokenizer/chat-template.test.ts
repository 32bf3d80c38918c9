import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { vocabularyMetadata } from "../../test/support/tiny-vocabulary.ts";
import type { GgufMetadata } from "../formats/gguf.ts";
import { InputError, UnsupportedError } from "../runtime/errors.ts";
import { type ChatMessage, hasChat, renderChat } from "./chat-template.ts";
import { createTokenizer, type Tokenizer } from "./tokenizer.ts";

const trimming =
  "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content | trim }}<|im_end|>\n{% endfor %}";

function tokenizer(chatTemplate?: string, addBos = false): Tokenizer {
  const metadata = new Map<string, unknown>(Object.entries(vocabularyMetadata(300)));
  metadata.set("tokenizer.ggml.add_bos_token", addBos);
  if (chatTemplate !== undefined) metadata.set("tokenizer.chat_template", chatTemplate);
  return createTokenizer(metadata as GgufMetadata);
}

const chatMl = tokenizer();
const [endOfText, imStart, imEnd] = [272, 273, 274];
const user = (content: string): ChatMessage[] => [{ role: "user", content }];

function controlTokens(ids: Int32Array): number[] {
  return [...ids].filter((id) => id >= endOfText);
}

test("a harmless conversation has the ids of the rendered text read with control tokens", () => {
  const ids = renderChat(chatMl, [
    { role: "system", content: "Say the thing." },
    { role: "user", content: " and\n\nthe" },
  ]);
  const text =
    "<|im_start|>system\nSay the thing.<|im_end|>\n<|im_start|>user\n and\n\nthe<|im_end|>\n<|im_start|>assistant\n";
  assert.deepEqual(ids, chatMl.encode(text, { special: true }));
});

test("the generation prompt can be left out", () => {
  const ids = renderChat(chatMl, user("a"), { addGenerationPrompt: false });
  assert.equal(chatMl.decode(ids, { special: true }), "<|im_start|>user\na<|im_end|>\n");
});

test("whatever a message holds, the control tokens are the template's and the text is kept (fast-check)", () => {
  const content = fc.string({
    unit: fc.constantFrom(
      "<|im_end|>",
      "<|im_start|>",
      "<|endoftext|>",
      "<|",
      "|>",
      "im_end",
      "<",
      ">",
      " ",
      "\n",
      "x",
    ),
  });
  fc.assert(
    fc.property(content, content, (first, second) => {
      const ids = renderChat(chatMl, [...user(first), { role: "assistant", content: second }]);
      assert.deepEqual(controlTokens(ids), [imStart, imEnd, imStart, imEnd, imStart]);
      assert.equal(
        chatMl.decode(ids, { special: true }),
        `<|im_start|>user\n${first}<|im_end|>\n<|im_start|>assistant\n${second}<|im_end|>\n<|im_start|>assistant\n`,
      );
    }),
    { numRuns: 300 },
  );
});

test("a control token cannot be put together from two messages, nor from a message and the template around it", () => {
  const adjacent = tokenizer("{% for m in messages %}{{ m.content }}{% endfor %}");
  const [first, second] = ["<|im_", "end|>"].map((content) => ({ role: "user", content }));
  assert.deepEqual(controlTokens(renderChat(adjacent, [first, second])), []);
  const around = tokenizer("<|{{ messages[0].content }}|>");
  assert.deepEqual(controlTokens(renderChat(around, user("im_end"))), []);
  assert.deepEqual(controlTokens(renderChat(around, user(" im_end|>"))), []);
});

test("a template that trims still trims a message with control tokens at its ends", () => {
  const ids = renderChat(tokenizer(trimming), user("\n <|im_end|>x<|im_start|> \n"));
  assert.deepEqual(controlTokens(ids), [endOfText, imStart, imEnd]);
  assert.equal(
    chatMl.decode(ids, { special: true }),
    "<|endoftext|><|im_start|>user\n<|im_end|>x<|im_start|><|im_end|>\n",
  );
});

test("BOS comes once, whether the template writes it or not", () => {
  assert.deepEqual(controlTokens(renderChat(tokenizer(trimming, true), user("a"))), [endOfText, imStart, imEnd]);
  const ids = renderChat(tokenizer(undefined, true), user("a"));
  assert.deepEqual(controlTokens(ids), [endOfText, imStart, imEnd, imStart]);
});

test("a message of a million tokens goes through, after BOS", () => {
  const ids = renderChat(tokenizer(undefined, true), user("x ".repeat(500_000)));
  assert.equal(ids[0], endOfText);
  assert.ok(ids.length > 1_000_000);
});

test("control tokens that overlap in a message are all broken up", () => {
  const tokens = (vocabularyMetadata(300)["tokenizer.ggml.tokens"] as string[]).slice();
  tokens.splice(endOfText, 3, "<a><b>", "<b><c>", "<c>");
  const metadata = new Map<string, unknown>(Object.entries(vocabularyMetadata(300)));
  metadata.set("tokenizer.ggml.tokens", tokens);
  metadata.set("tokenizer.chat_template", "{{ messages[0].content }}");
  const ids = renderChat(createTokenizer(metadata as GgufMetadata), user(".<a><b><c>."));
  assert.deepEqual(controlTokens(ids), []);
});

test("blocks on lines of their own leave no blank lines, as in Hugging Face's setting of Jinja", () => {
  const spread = tokenizer("{% for m in messages %}\n  {% if true %}\n{{ m.content }}\n  {% endif %}\n{% endfor %}\n");
  assert.equal(spread.decode(renderChat(spread, user("a"))), "a\n");
});

test("without a template: hasChat is false and rendering is an UnsupportedError", () => {
  const metadata = new Map(Object.entries(vocabularyMetadata(300)));
  metadata.delete("tokenizer.chat_template");
  const base = createTokenizer(metadata as GgufMetadata);
  assert.deepEqual([hasChat(base), hasChat(chatMl)], [false, true]);
  assert.throws(() => renderChat(base, user("a")), UnsupportedError);
});

test("an unknown role, and messages that the template refuses, are InputErrors", () => {
  assert.throws(() => renderChat(chatMl, [{ role: "user<|im_end|>", content: "a" }]), InputError);
  const refusing = tokenizer("{{ raise_exception('roles must alternate') }}");
  assert.throws(() => renderChat(refusing, user("a")), /roles must alternate/);
});
