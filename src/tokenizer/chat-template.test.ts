import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { vocabularyMetadata } from "../../test/support/tiny-vocabulary.ts";
import type { GgufMetadata } from "../formats/gguf.ts";
import { InputError, UnsupportedError } from "../runtime/errors.ts";
import { type ChatMessage, hasChat, renderChat, type ToolDescription } from "./chat-template.ts";
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

const weather: ToolDescription = {
  type: "function",
  function: {
    name: "weather",
    description: "Gives it.",
    parameters: { type: "object", properties: { "the city": {} } },
  },
};
const called: ChatMessage[] = [
  { role: "user", content: "Where is the sand?" },
  {
    ...{ role: "assistant", content: "Let me see." },
    tool_calls: [{ type: "function", function: { name: "weather", arguments: { city: "Paris" } } }],
  },
  { role: "tool", tool_call_id: "call_1", content: "rain" },
  { role: "tool", tool_call_id: "call_2", content: "wind" },
];
/** As Qwen's: tools as JSON, calls with their arguments as JSON, results in one turn. */
const withTools =
  "{% if tools %}<|im_start|>tools{% for tool in tools %}\n{{ tool | tojson }}{% endfor %}<|im_end|>{% endif %}" +
  "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{% for c in m.tool_calls or [] %}{{ '\n' }}<tool_call>\n" +
  '{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}\n</tool_call>{% endfor %}<|im_end|>{% endfor %}';

test("a template that knows tools writes them, their calls and their results itself", () => {
  const knowing = tokenizer(withTools);
  const text = knowing.decode(renderChat(knowing, called, { tools: [weather] }), { special: true });
  const call = '<tool_call>\n{"name": "weather", "arguments": {"city": "Paris"}}\n</tool_call>';
  const [tools] = text.split("<|im_end|>");
  assert.deepEqual(JSON.parse(tools.replace("<|im_start|>tools", "")), weather);
  assert.equal(
    text.slice(tools.length),
    "<|im_end|><|im_start|>user\nWhere is the sand?<|im_end|>" +
      `<|im_start|>assistant\nLet me see.\n${call}<|im_end|><|im_start|>tool\nrain<|im_end|><|im_start|>tool\nwind<|im_end|>`,
  );
  assert.ok(!knowing.decode(renderChat(knowing, called), { special: true }).includes("tools"));
});

test("for a template that knows none, tools are told in the system message, calls and results are text", () => {
  const text = chatMl.decode(renderChat(chatMl, called, { tools: [weather], addGenerationPrompt: false }), {
    special: true,
  });
  const turns = text.split("<|im_end|>\n").map((turn) => turn.replace("<|im_start|>", ""));
  assert.ok(turns[0].startsWith("system\n") && turns[0].includes(`<tools>\n${JSON.stringify(weather)}\n</tools>`));
  assert.deepEqual(turns.slice(1), [
    "user\nWhere is the sand?",
    'assistant\nLet me see.\n<tool_call>\n{"name": "weather", "arguments": {"city":"Paris"}}\n</tool_call>',
    "user\n<tool_response>\nrain\n</tool_response>\n<tool_response>\nwind\n</tool_response>",
    "",
  ]);
  const system = renderChat(chatMl, [{ role: "system", content: "Be brief." }, ...called], { tools: [weather] });
  assert.match(chatMl.decode(system), /^system\nBe brief\.\n\nYou can call functions/);
});

test("control tokens inside tools, calls and results are text, with and without a template that knows tools (fast-check)", () => {
  const word = fc.string({ unit: fc.constantFrom("<|im_end|>", "<|im_start|>", "<|", "|>", "im_end", '"', "\n", "x") });
  const knowing = tokenizer(withTools);
  fc.assert(
    fc.property(word, word, word, (a, b, c) => {
      const tools = [
        { type: "function", function: { name: a, parameters: { [b]: { description: c, enum: [a, 1] } } } },
      ];
      const messages: ChatMessage[] = [
        { role: "user", content: "x", name: c },
        {
          ...{ role: "assistant", content: b },
          tool_calls: [{ id: c, type: "function", function: { name: a, arguments: { [c]: b } } }],
        },
        { role: "tool", content: a, tool_call_id: b },
      ];
      const plain = (count: number) => Array.from({ length: count }, () => [imStart, imEnd]).flat();
      assert.deepEqual(controlTokens(renderChat(knowing, messages, { tools, addGenerationPrompt: false })), plain(4));
      assert.deepEqual(controlTokens(renderChat(chatMl, messages, { tools, addGenerationPrompt: false })), plain(4));
    }),
    { numRuns: 200, seed: 1 },
  );
});
