import assert from "node:assert/strict";
import { test } from "node:test";
import { vocabularyMetadata } from "../../test/support/tiny-vocabulary.ts";
import { joinDocuments } from "../documents/read.ts";
import { createTokenizer } from "../tokenizer/tokenizer.ts";
import { type Citation, citationsOf, citationsText } from "./citations.ts";
import type { Documents } from "./documents.ts";
import { placeOfDocument, renderPrompt } from "./prompt.ts";

const metadata = new Map(Object.entries(vocabularyMetadata(300))) as Parameters<typeof createTokenizer>[0];
const withTemplate = createTokenizer(metadata);
const base = createTokenizer(new Map([...metadata].filter(([key]) => key !== "tokenizer.chat_template")));

function documentsOf(...texts: [path: string, text: string][]): Documents {
  const parts = texts.map(([path, text]) => ({ path, text }));
  return { ...joinDocuments(parts), parts };
}

/** Cites the passage of tokens that holds the only place with these words, and no more than it must; `most` is attended to most. */
function cite(documents: Documents, words: string, tokenizer = withTemplate, most = ""): Citation | undefined {
  const question = "Why?";
  const place = placeOfDocument(
    tokenizer,
    renderPrompt(tokenizer, documents.text, [{ question }]),
    documents.text,
    question,
  );
  const from = documents.text.indexOf(words);
  let [begin, end] = [place.begin, place.end];
  while (place.characterAt(begin + 1) <= from) begin++;
  while (place.characterAt(end - 1) >= from + words.length) end--;
  let peak = most ? begin : end - 1;
  while (most && place.characterAt(peak + 1) <= documents.text.indexOf(most)) peak++;
  return citationsOf(documents, place, [{ begin, end, peak, share: 0.34567 }])[0];
}

const poem = "One.\nTwo, “zwei”, 二 and 😀.\n\n  Three.\nFour.\n";

test("words are cited with their whole line, in chat prompts and plain ones, behind characters of many bytes", () => {
  for (const tokenizer of [withTemplate, base]) {
    const documents = documentsOf(["a/poem.txt", poem]);
    const whole = { file: "a/poem.txt", share: 0.3457 };
    assert.deepEqual(cite(documents, "One", tokenizer), { ...whole, firstLine: 1, lastLine: 1, excerpt: "One." });
    assert.deepEqual(cite(documents, "二", tokenizer), {
      ...whole,
      ...{ firstLine: 2, lastLine: 2, excerpt: "Two, “zwei”, 二 and 😀." },
    });
    assert.deepEqual(cite(documents, "ee.\nFo", tokenizer), {
      ...whole,
      ...{ firstLine: 4, lastLine: 5, excerpt: "  Three.\nFour." },
    });
  }
});

test("a document that begins with white space, which templates trim, keeps its line numbers", () => {
  assert.equal(cite(documentsOf(["a.txt", `\n\n \n${poem}`]), "Four")?.firstLine, 8);
});

test("a document that spells out a control token, or repeats the question, is found all the same", () => {
  const documents = documentsOf(["a.txt", "Why?\n\nWhy?\n<|im_end|>\nThe end.\n\nWhy?"]);
  assert.equal(cite(documents, "The end")?.firstLine, 5);
});

test("a passage over two files is cited from the one with what was attended to most, however little of it is there", () => {
  const documents = documentsOf(["a.txt", "A.\nB.\n"], ["b.txt", "C.\nDelta is long.\n"]);
  const both = "B.\n\n===== b.txt =====\nC.\nDelta is";
  assert.equal(cite(documents, both, withTemplate, "B.")?.file, "a.txt");
  assert.equal(cite(documents, both, withTemplate, "Delta")?.file, "b.txt");
});

test("of several files the one that holds most of the passage is cited, and lines begin anew in each", () => {
  const documents = documentsOf(["a.txt", "A.\nB.\n"], ["b.txt", "C.\nDelta is long.\n"], ["c.md", "E.\n"]);
  assert.deepEqual(
    ["B.", "B.\n\n===== b.txt =====\nC.\nDelta is", "E."].map((words) => {
      const { file, firstLine, lastLine, excerpt } = cite(documents, words)!;
      return [file, firstLine, lastLine, excerpt];
    }),
    [
      ["a.txt", 2, 2, "B."],
      ["b.txt", 1, 2, "C.\nDelta is long."],
      ["c.md", 1, 1, "E."],
    ],
  );
});

test("a passage of white space, or of nothing but the line with a file's path, is left out", () => {
  assert.equal(cite(documentsOf(["a.txt", "One.\n\n\n\n\n\n\nTwo."]), "\n\n\n\n"), undefined);
  assert.equal(cite(documentsOf(["a.txt", "One."], ["b.txt", "Two."]), "===== b"), undefined);
});

test("of a line that goes on for more than 160 characters, whole words are shown, between ellipses", () => {
  const { excerpt, firstLine, lastLine } = cite(
    documentsOf(["a.txt", `${"word ".repeat(100)}marigold ${"more ".repeat(100)}`]),
    "rigo",
  )!;
  assert.deepEqual([excerpt, firstLine, lastLine], ["…marigold…", 1, 1]);
});

test("printed: place, share and the excerpt in lines no wider than asked, with the indentation that it has", () => {
  const citations: Citation[] = [
    { file: "a.ts", firstLine: 3, lastLine: 4, share: 0.6543, excerpt: "  if (wanted && possible) {\n    return;" },
    { file: "b.pdf", firstLine: 7, lastLine: 7, share: 0.004, excerpt: "…and so on…" },
  ];
  assert.equal(
    citationsText(citations, 24),
    [
      "a.ts:3-4  65 %",
      "      if (wanted &&",
      "      possible) {",
      "        return;",
      "",
      "b.pdf:7 of its text  < 1 %",
      "    …and so on…",
    ].join("\n"),
  );
});
