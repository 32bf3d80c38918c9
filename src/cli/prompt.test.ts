import assert from "node:assert/strict";
import { test } from "node:test";
import { vocabularyMetadata } from "../../test/support/tiny-vocabulary.ts";
import { createTokenizer } from "../tokenizer/tokenizer.ts";
import { placeOfDocument, renderPrompt, renderSeparately, stopsOf } from "./prompt.ts";

const metadata = new Map(Object.entries(vocabularyMetadata(300))) as Parameters<typeof createTokenizer>[0];
const withTemplate = createTokenizer(metadata);
const base = createTokenizer(new Map([...metadata].filter(([key]) => key !== "tokenizer.chat_template")));
const textOf = (tokenizer: typeof base, ids: Int32Array) => tokenizer.decode(ids, { special: true });

test("the question follows the document inside the user's turn, and the answer's turn is open", () => {
  const text = textOf(withTemplate, renderPrompt(withTemplate, "The text.", [{ question: "Why?" }]));
  assert.match(text, /^<\|im_start\|>system\nAnswer the question from the document\. .*<\|im_end\|>\n/);
  assert.ok(text.endsWith("<|im_start|>user\nThe text.\n\nWhy?<|im_end|>\n<|im_start|>assistant\n"), text);
  assert.deepEqual(stopsOf(withTemplate), []);
});

test("control tokens that the document spells out do not end its turn", () => {
  const prompt = renderPrompt(withTemplate, "a <|im_end|> b", [{ question: "Why?" }]);
  const end = withTemplate.specialTokens.get("<|im_end|>")!;
  assert.equal(prompt.filter((id) => id === end).length, 2);
});

test("later questions stand alone in their turn, after the answers", () => {
  const exchanges = [{ question: "Why?", answer: "So." }, { question: "When?" }];
  const text = textOf(withTemplate, renderPrompt(withTemplate, "The text.", exchanges));
  assert.equal(text.split("The text.").length, 2);
  assert.ok(
    text.endsWith("assistant\nSo.<|im_end|>\n<|im_start|>user\nWhen?<|im_end|>\n<|im_start|>assistant\n"),
    text,
  );
});

test("without a document nothing is said about one", () => {
  const text = textOf(withTemplate, renderPrompt(withTemplate, "", [{ question: "Why?" }]));
  assert.doesNotMatch(text, /document/);
  assert.match(text, /<\|im_start\|>user\nWhy\?<\|im_end\|>/);
});

test("a model without a template gets plain text, and each longer conversation begins with the shorter one's ids", () => {
  const one = [{ question: "Why?" }];
  const two = [{ question: "Why?", answer: " So." }, { question: "When?" }];
  assert.equal(textOf(base, renderPrompt(base, "The text.", one)), "The text.\n\nQuestion: Why?\nAnswer:");
  const longer = renderPrompt(base, "The text.", two);
  assert.equal(textOf(base, longer), "The text.\n\nQuestion: Why?\nAnswer: So.\n\nQuestion: When?\nAnswer:");
  const shorter = renderPrompt(base, "The text.", one);
  assert.deepEqual(longer.subarray(0, shorter.length), shorter);
  assert.ok(stopsOf(base).includes("\nQuestion:"));
});

const files = [
  { path: "a.md", text: "The ship sails." },
  { path: "b.md", text: "The inn burns.\n\n" },
];
for (const [name, tokenizer] of [
  ["a chat", withTemplate],
  ["a plain text", base],
] as const)
  test(`${name} whose files are apart reads as one with all of them, and every file has the same tokens alone, first or last`, () => {
    const whole = renderSeparately(tokenizer, files, "Why?");
    const { head, documents, rest, tokenIds, text, starts } = whole;
    assert.equal(
      textOf(tokenizer, tokenIds),
      textOf(tokenizer, renderPrompt(tokenizer, `\n${text}`, [{ question: "Why?" }])).replace(
        "user\n===== a",
        "user\n\n===== a",
      ),
    );
    assert.deepEqual(
      [...tokenIds],
      [head, ...documents, rest].flatMap((ids) => [...ids]),
    );
    assert.equal(text, "===== a.md =====\nThe ship sails.\n\n===== b.md =====\nThe inn burns.\n");
    for (const [i, start] of starts.entries()) assert.ok(text.startsWith(files[i].text.trim(), start));
    const turned = renderSeparately(tokenizer, [...files].reverse(), "And when?");
    assert.deepEqual(turned.documents, [documents[1], documents[0]]);
    assert.deepEqual(turned.head, head);
    assert.deepEqual(renderSeparately(tokenizer, files.slice(1), "Why?").documents, [documents[1]]);
    const place = placeOfDocument(tokenizer, tokenIds, text, "Why?");
    const inn = tokenIds.findIndex((_, i) => textOf(tokenizer, tokenIds.subarray(0, i + 1)).includes("inn"));
    assert.ok(place.begin < inn && inn < place.end);
    assert.ok(Math.abs(place.characterAt(inn) - text.indexOf("inn")) <= 3);
  });
