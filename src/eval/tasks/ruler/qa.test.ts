import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { InputError } from "../../../runtime/errors.ts";
import { createCell, samplesOf } from "../../run/samples.ts";
import type { Haystack, Parts, Sample } from "../../types.ts";
import { rulerTasks } from "./index.ts";

const countTokens = (text: string) => text.split(/\s+/).length;
const promptTokens = ({ context, question, answerPrefix = "" }: Parts) =>
  countTokens(context + question + answerPrefix);
const haystack: Haystack = { name: "none", sha256: "", license: "", sentences: [], words: () => "", wordCount: 0 };

const paragraph = (article: number, at: number) =>
  `Article ${article} part ${at}: ${"filler ".repeat(20)}fact-${article}-${at}.`;
const squad = {
  data: Array.from({ length: 12 }, (_, article) => ({
    paragraphs: Array.from({ length: 4 }, (_, at) => ({
      context: paragraph(article, at),
      qas: [
        { question: "Nobody knows?", answers: [], is_impossible: true },
        {
          question: `What is in ${article}-${at}?`,
          answers: [{ text: `fact-${article}-${at}` }, { text: `the fact-${article}-${at}` }],
          is_impossible: false,
        },
      ],
    })),
  })),
};
const hotpotQa = Array.from({ length: 20 }, (_, i) => ({
  question: `Who is ${i}?`,
  answer: `person ${i}`,
  context: Array.from({ length: 3 }, (_, at) => [`Title ${i} ${at}`, [`Person ${i} in part ${at}.`, " More words."]]),
  supporting_facts: [
    [`Title ${i} 0`, 0],
    [`Title ${i} 2`, 1],
  ],
}));

const folder = mkdtempSync(join(tmpdir(), "longspan-questions-"));
after(() => rmSync(folder, { recursive: true }));
const files = new Map(
  Object.entries({ squad, hotpotqa: hotpotQa }).map(([name, data]) => {
    const path = join(folder, `${name}.json`);
    writeFileSync(path, JSON.stringify(data));
    return [name, path];
  }),
);

function taskOf(id: string) {
  return rulerTasks.find((task) => task.id === id)!;
}

function sampleOf(
  id: string,
  index: number,
  { length = 600, given = files as ReadonlyMap<string, string> } = {},
): Sample {
  const source = { seed: 1, haystack, files: given };
  return samplesOf(taskOf(id), createCell({ promptTokens, countTokens }, taskOf(id), length, 30, source))(index);
}

test("SQuAD: the question's paragraph is in its span, the article's other three come before others, 48 questions", () => {
  for (let index = 0; index < 48; index++) {
    const { parts, references, needles, depth, facts } = sampleOf("qa_1", index);
    const [article, at] = [Math.floor(index / 4), index % 4];
    assert.equal(parts.question, `Question: What is in ${article}-${at}?`);
    assert.deepEqual(references, [`fact-${article}-${at}`, `the fact-${article}-${at}`]);
    const [{ start, end }] = needles!;
    assert.match(parts.context.slice(start, end), new RegExp(`^Document \\d+:\nArticle ${article} part ${at}: `));
    assert.equal(depth, start / parts.context.length);
    const documents = parts.context.match(/Document \d+:\nArticle \d+ part \d/g)!;
    assert.deepEqual(
      documents.map((text) => Number.parseInt(text.slice(9), 10)),
      documents.map((_, i) => i + 1),
    );
    assert.equal(new Set(documents.map((text) => text.split("\n")[1])).size, documents.length);
    assert.equal(documents.filter((text) => text.includes(`Article ${article} `)).length, 4);
    assert.equal(documents.length, facts!.documents);
  }
});

test("prompt and answer are less than one paragraph (27 words) short of the length, and use each document once at most", () => {
  for (const length of [200, 600, 1000]) {
    const { promptTokens, maxTokens } = sampleOf("qa_1", 5, { length });
    assert.ok(promptTokens + maxTokens <= length && promptTokens + maxTokens > length - 27);
  }
  assert.equal(sampleOf("qa_1", 5, { length: 9000 }).facts!.documents, 48);
});

test("HotpotQA: titles stand above their sentences, and the two paragraphs of the answer are the spans", () => {
  const { parts, references, needles } = sampleOf("qa_2", 7);
  assert.deepEqual(references, ["person 7"]);
  const found = needles!.map(({ start, end }) => parts.context.slice(start, end).replace(/^Document \d+:\n/, ""));
  assert.deepEqual(found.sort(), [
    "Title 7 0\nPerson 7 in part 0. More words.",
    "Title 7 2\nPerson 7 in part 2. More words.",
  ]);
  assert.ok(parts.context.includes("Title 7 1\n"));
});

test("one of two wordings is worth 1, by lm-evaluation-harness's score 1/2", () => {
  const sample = sampleOf("qa_1", 0);
  assert.equal(taskOf("qa_1").score("fact-0-0", sample).score, 1);
  assert.equal(taskOf("lmeval_qa_1").score("fact-0-0", sample).score, 1 / 2);
  assert.equal(taskOf("qa_1").score("fact-0-1", sample).score, 0);
});

test("a missing file, another format and too many samples are refused with what to pass", () => {
  const refuses = (make: () => unknown, message: RegExp) =>
    assert.throws(make, (error) => error instanceof InputError && message.test(error.message));
  refuses(
    () => sampleOf("qa_1", 0, { given: new Map() }),
    /got none\. Pass --data squad=FILE with the dev-v2\.0\.json of https/,
  );
  refuses(() => sampleOf("qa_2", 0, { given: new Map() }), /Pass --data hotpotqa=FILE with the hotpot_dev_distractor/);
  refuses(
    () => sampleOf("qa_1", 0, { given: new Map([["squad", join(folder, "none.json")]]) }),
    /none\.json: .* ENOENT/,
  );
  refuses(
    () => sampleOf("qa_1", 0, { given: new Map([["squad", files.get("hotpotqa")!]]) }),
    /expected the questions of dev-v2/,
  );
  refuses(() => sampleOf("qa_2", 20), /expected a question for sample 21, got a file with 20/);
});
