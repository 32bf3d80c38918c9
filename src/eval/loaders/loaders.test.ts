import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { countTokens, createTextCell } from "../../../test/support/text-cell.ts";
import { InputError } from "../../runtime/errors.ts";
import { loaders } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "longspan-loaders-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, content: string | readonly unknown[]): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === "string" ? content : content.map((line) => JSON.stringify(line)).join("\n"));
  return path;
}

const load = (loader: string, name: string, content: string | readonly unknown[]) =>
  loaders[loader].load(write(name, content));
const numbered = (count: number) => Array.from({ length: count }, (_, i) => `w${i}`).join(" ");

test("file: prompts stand as they are, in order, in raw mode; score is the share of outputs found, case ignored", async () => {
  const task = await load("file", "my samples.jsonl", [
    { input: "What is\u2028it?", outputs: ["Blue", "red"], answer_prefix: " It is" },
    { input: "And now?", outputs: ["x"], max_tokens: 7 },
  ]);
  assert.deepEqual([task.id, task.family, task.sampleCount, task.mode], ["file_my_samples", "file", 2, "raw"]);
  const samples = task.cell(createTextCell(200));
  const [first, second] = [samples(0), samples(1)];
  assert.deepEqual(first.parts, { context: "What is\u2028it?", question: "", answerPrefix: " It is" });
  assert.deepEqual([first.maxTokens, second.maxTokens], [128, 7]);
  assert.deepEqual(second.parts, { context: "And now?", question: "" });
  assert.equal(task.score("blue, RED", first).score, 1);
  assert.equal(task.score("blue", first).score, 0.5);
  assert.equal(task.score("blue", second).score, 0);
  assert.equal(
    (await loaders.file.load(join(folder, "my samples.jsonl"), { maxTokens: 9 })).cell(createTextCell(200))(0)
      .maxTokens,
    9,
  );
});

test("file: what does not fit is refused with its line, and so are samples that the file does not have", async () => {
  const task = await load("file", "long.jsonl", [{ input: numbered(100), outputs: ["x"], max_tokens: 10 }]);
  assert.equal(task.cell(createTextCell(110))(0).facts!.truncatedTokens, 0);
  assert.throws(
    () => task.cell(createTextCell(109))(0),
    /long\.jsonl line 1: expected at least 110 tokens for prompt and answer, got 109/,
  );
  assert.throws(() => task.cell(createTextCell(200))(1), /expected at most 1 samples, got sample 2/);
});

test("malformed files: every error is an InputError that names file and line", async () => {
  const refuses = async (loader: string, name: string, content: string | readonly unknown[], pattern: RegExp) =>
    assert.rejects(load(loader, name, content), (error: Error) => {
      assert.ok(error instanceof InputError, String(error.stack));
      assert.match(error.message, pattern);
      return true;
    });
  await refuses(
    "file",
    "a.jsonl",
    '{"input": "x", "outputs": ["y"]}\n\n{"input": \n',
    /a\.jsonl line 3: expected JSON/,
  );
  await refuses("file", "b.jsonl", [{ outputs: ["y"] }], /b\.jsonl line 1: "input": expected a text, got nothing/);
  await refuses(
    "file",
    "c.jsonl",
    [{ input: "x", outputs: [] }],
    /c\.jsonl line 1: "outputs": expected a list of texts, got \[\]/,
  );
  await refuses("file", "d.jsonl", [{ input: "x", outputs: [""] }], /"outputs": expected texts that are not empty/);
  await refuses(
    "file",
    "e.jsonl",
    [{ input: "x", outputs: "y", max_tokens: 1.5 }],
    /"max_tokens": expected a whole number/,
  );
  await refuses("file", "f.jsonl", "\n", /f\.jsonl: expected JSON lines, got an empty file/);
  await refuses("file", "g.jsonl", "3", /g\.jsonl line 1: expected an object, got 3/);
  await refuses(
    "longbench",
    "h.jsonl",
    [{ dataset: "squad", context: "", answers: ["x"] }],
    /h\.jsonl line 1: expected a dataset of LongBench, got squad/,
  );
  await refuses(
    "longbench",
    "i.jsonl",
    [{ dataset: "trec", context: "c", answers: ["x"] }],
    /line 1: "all_classes": expected/,
  );
  await refuses("longbench2", "j.json", '[{"question": "q"}]', /j\.json item 1: "choice_A": expected a text/);
  await refuses(
    "loogle",
    "k.jsonl",
    [{ input: "x", qa_pairs: "[{'Q': " }],
    /line 1: "qa_pairs": expected a list of questions/,
  );
  await refuses(
    "infinitebench",
    "l.jsonl",
    [],
    /expected the name of a task of InfiniteBench in the file's name, got l\.jsonl/,
  );
  await refuses(
    "infinitebench",
    "code_debug.jsonl",
    [{ context: "x", input: "", answer: ["f"], options: ["f"] }],
    /"options": expected four options/,
  );
  await refuses(
    "helmet",
    "m.jsonl",
    [{ ctxs: [{ title: "t" }], question: "q", answers: ["a"] }],
    /m\.jsonl line 1 ctxs\[0\]: "text": expected a text/,
  );
  await assert.rejects(loaders.file.load(join(folder, "none")), /none: expected a readable file, got ENOENT/);
});

test("LongBench: the prompt's first and last half remain, within two tokens of each other; the rest is counted", async () => {
  const context = numbered(1000);
  const task = await load("longbench", "hotpotqa.jsonl", [
    { input: "Who?", context, answers: ["The red fox", "a fox"], length: 1000, dataset: "hotpotqa", all_classes: null },
  ]);
  assert.deepEqual([task.id, task.mode], ["longbench_hotpotqa", undefined]);
  const whole = task.cell(createTextCell(4000))(0);
  assert.ok(whole.parts.context.endsWith(context));
  assert.ok(whole.parts.question.endsWith("Question: Who?\nAnswer:"));
  assert.deepEqual(whole.facts, { dataset: "hotpotqa", words: 1000, sample: 0, truncatedTokens: 0 });

  const cell = createTextCell(500);
  const { parts, maxTokens, facts } = task.cell(cell)(0);
  const used = cell.promptTokens(parts) + maxTokens;
  assert.ok(used <= 500 && used >= 497, `${used}`);
  const kept = parts.context.match(/w\d+/g)!.map((word) => Number(word.slice(1)));
  assert.equal(facts!.truncatedTokens, 1000 - kept.length);
  const gap = kept.findIndex((value, i) => value !== i);
  assert.deepEqual([kept[0], kept.at(-1)], [0, 999]);
  const [head, tail] = [
    countTokens(parts.context.split(/\sw0 /)[0]) + gap,
    kept.length - gap + countTokens(parts.question),
  ];
  assert.ok(Math.abs(head - tail) <= 2, `${head} and ${tail}`);

  assert.equal(task.score("red fox", whole).score, 1);
  assert.equal(task.score("wolf", whole).score, 0);
  assert.throws(
    () => task.cell(createTextCell(60))(0),
    /hotpotqa\.jsonl line 1: expected at least \d+ tokens for question and answer/,
  );
});

test("LongBench: each kind of metric gives 1 for gold and 0 for what is wrong; few-shot sets are raw and read one line", async () => {
  const cases: [dataset: string, gold: string, wrong: string, fields: object][] = [
    ["gov_report", "The report is long.", "Nothing here", {}],
    ["multifieldqa_zh", "北京", "上海", {}],
    ["vcsum", "会议", "天气", {}],
    ["trec", "City", "State", { all_classes: ["City", "State"] }],
    ["passage_retrieval_en", "Paragraph 7", "Paragraph 17", {}],
    ["passage_count", "7", "8", {}],
    ["lcc", "return a", "xyz;", {}],
  ];
  for (const [dataset, gold, wrong, fields] of cases) {
    const task = await load("longbench", `${dataset}.jsonl`, [
      { input: "q", context: "c", answers: [gold], ...fields },
    ]);
    const draft = task.cell(createTextCell(2000))(0);
    assert.equal(draft.facts!.dataset, dataset);
    assert.ok(task.score(gold, draft).score > 0.99, dataset);
    assert.equal(task.score(wrong, draft).score, 0, dataset);
    assert.equal(task.mode, ["trec", "lcc"].includes(dataset) ? "raw" : undefined);
    if (dataset === "trec") assert.equal(task.score("\nCity\nState", draft).score, 1);
  }
});

test("LongBench v2: choices in the prompt with and without the text, letters read from the answer", async () => {
  const item = {
    question: "Why? ",
    choice_A: "a",
    choice_B: "b",
    choice_C: "c",
    choice_D: "d",
    context: "TEXT",
    answer: "C",
    difficulty: "hard",
    length: "short",
  };
  const path = write("v2.json", JSON.stringify([item, { ...item, answer: "A" }]));
  const task = await loaders.longbench2.load(path);
  const draft = task.cell(createTextCell(2000))(0);
  assert.match(
    draft.parts.context + draft.parts.question,
    /<text>\nTEXT\n<\/text>\n\nWhat is the correct answer to this question: Why\?\nChoices:\n\(A\) a\n\(B\) b\n/,
  );
  assert.deepEqual(task.score("The correct answer is (C).", draft), { score: 1, compensated: 1 });
  assert.deepEqual(task.score("The correct answer is A.", draft), { score: 0, compensated: 0 });
  assert.deepEqual(task.score("C", draft), { score: 0, compensated: 0.25 });
  const guess = await loaders.longbench2_no_context.load(path);
  const [first, second] = [0, 1].map(guess.cell(createTextCell(2000)));
  assert.ok(!first.parts.context.includes("TEXT") && first.parts.question.includes("(D) d"));
  assert.notEqual(first.group, second.group);
  assert.equal(task.cell(createTextCell(2000))(1).group, draft.group);
});

test("LooGLE: questions as Python text, JSON text or list give a sample each; clozes and summaries have their scores", async () => {
  const pairs = [
    { Q: "It's who?", A: 'Ann "B" Cole', S: ["x"], type: null },
    { Q: "When?", A: "1990" },
  ];
  const python = `[{'Q': "It's who?", 'A': 'Ann "B" Cole', 'S': ['x'], 'type': None}, {'Q': 'When?', 'A': '1990'}]`;
  for (const qa_pairs of [pairs, JSON.stringify(pairs), python]) {
    const task = await load("loogle", "shortdep_qa.jsonl", [{ input: "long", title: "t", qa_pairs, output: "none" }]);
    assert.equal(task.sampleCount, 2);
    const [first, second] = [0, 1].map(task.cell(createTextCell(2000)));
    assert.equal(first.parts.question, "\nQuestion: It's who?\nAnswer: ");
    assert.deepEqual([first.references, second.references], [['Ann "B" Cole'], ["1990"]]);
    assert.deepEqual([first.maxTokens, first.group], [300, second.group]);
    assert.equal(task.score("1990", second).score, 1);
    assert.equal(task.score("1990", first).score, 0);
    assert.equal(task.score("In 1990", second).bleu1, 0.5);
  }
  const cloze = await load("loogle", "shortdep_cloze.jsonl", [
    { input: "long", qa_pairs: [{ Q: "<mask-0> met <mask-1>", A: { "<mask-0>": "Bob Hill", "<mask-1>": "Ann" } }] },
  ]);
  const draft = cloze.cell(createTextCell(2000))(0);
  assert.match(
    draft.parts.context,
    /\{'<mask-0>': 'Bob', '<mask-1>': 'Gorrosion Magazine','<mask-2>': 'Bethel Horizon'\}/,
  );
  assert.deepEqual(cloze.score("Sure: {'<mask-0>': 'Bob Hill', '<mask-1>': 'Ann'}", draft), { score: 1, partial: 1 });
  assert.deepEqual(cloze.score(`{"<mask-0>": "Bob", "<mask-1>": "Eve"}`, draft), { score: 0, partial: 0.5 });
  assert.deepEqual(cloze.score("Bob Hill", draft), { score: 0, partial: 0 });
  const summary = await load("loogle", "longdep_summarization.jsonl", [
    { input: "x", qa_pairs: "none", output: "A short summary." },
  ]);
  assert.equal(summary.score("A short summary.", summary.cell(createTextCell(2000))(0)).score, 1);
});

test("InfiniteBench: gold labels score 1 and others 0 in all 12 tasks, and placeholders are all filled", async () => {
  const options = ["f_a", "f_b", "f_c", "f_d"];
  const cases: Record<string, [fields: object, gold: string, wrong: string]> = {
    passkey: [{ answer: ["04321"] }, " 04321. 5", "4321"],
    number_string: [{ answer: ["1122"] }, "1122", "11 1122"],
    kv_retrieval: [{ answer: ["a-b"] }, 'It is "a-b".', "a-b-c"],
    longbook_sum_eng: [{ answer: ["The end."] }, "the end", "nothing"],
    longbook_choice_eng: [{ answer: ["f_b"], options }, "The answer is B", "A. f_a"],
    longbook_qa_eng: [{ answer: ["Ann", "Bob"] }, "bob", "Eve"],
    longbook_qa_chn: [{ answer: ["北京"] }, "北京。", "上海"],
    longdialogue_qa_eng: [{ answer: ["ANN"] }, "It is Ann.", "ANNA"],
    math_find: [{ answer: [99], input: "The largest number of the list is:" }, " 99", "9"],
    math_calc: [{ answer: ["1", "-2", "3"].map((value) => value.replace("-", "")) }, "[1, 2, 3]", "[2, 2, 3]"],
    code_run: [{ answer: [-3], input: "Give the value of func_1(-2)." }, "The value is -3.", "-3 or 4"],
    code_debug: [{ answer: ["f_c", "C"], options }, "The answer is: C", "A."],
  };
  for (const [name, [fields, gold, wrong]] of Object.entries(cases)) {
    const task = await load("infinitebench", `${name}.jsonl`, [{ context: "TEXT", input: "Ask.", ...fields }]);
    const draft = task.cell(createTextCell(40_000))(0);
    const prompt = draft.parts.context + draft.parts.question;
    assert.ok(prompt.includes("TEXT"), name);
    assert.doesNotMatch(prompt, /\{\w+\}/, name);
    assert.equal(task.score(gold, draft).score, 1, name);
    assert.equal(task.score(wrong, draft).score, 0, name);
    assert.equal(task.score("", draft).score, 0, name);
    if (name === "code_run") assert.match(prompt, /named func_1\.[\s\S]*return value of func_1\(-2\)\./);
    if (name === "math_find") assert.match(prompt, /^What is the largest number in the following list\?/);
    if (name === "math_calc") assert.equal(task.score("1 2 9", draft).score, 2 / 3);
  }
});

test("HELMET: kinds are told by their fields, cut on the right, and scored raw or parsed, whichever is better", async () => {
  const kv = await load("helmet", "kv.jsonl", [
    {
      context: numbered(500),
      question: "k1",
      answer: "v1",
      num_kvs: 2,
      demos: [
        ["a", "b"],
        ["c", "d"],
        ["e", "f"],
      ],
    },
  ]);
  const cell = createTextCell(400);
  const draft = kv.cell(cell)(0);
  assert.equal(kv.mode, "raw");
  assert.ok(
    draft.parts.question.endsWith("Key: a\nCorresponding value: b\n\nKey: c\nCorresponding value: d\n\nKey: k1"),
  );
  assert.equal(draft.parts.answerPrefix, "\nCorresponding value:");
  const kept = draft.parts.context.match(/w\d+/g)!;
  assert.deepEqual(kept, numbered(kept.length).split(" "));
  assert.equal(kept.length + Number(draft.facts!.truncatedTokens), 500);
  assert.ok(cell.promptTokens(draft.parts) + draft.maxTokens > 397);
  assert.equal(kv.score(" v1", draft).score, 1);
  assert.equal(kv.score(" v2", draft).score, 0);

  const rag = await load("helmet", "nq.jsonl", [
    {
      question: "Who?",
      answers: ["Ann Cole"],
      ctxs: [
        { title: "T", text: "x" },
        { title: "U", text: "y" },
      ],
    },
  ]);
  const asked = rag.cell(createTextCell(500))(0);
  assert.ok(asked.parts.context.endsWith("Document (Title: T): x\n\nDocument (Title: U): y"));
  assert.deepEqual(
    [
      rag.score("It was Ann Cole.", asked).score,
      rag.score("Answer: Ann Cole", asked).f1,
      rag.score("Bob", asked).score,
    ],
    [1, 1, 0],
  );

  const rank = await load("helmet", "rerank.jsonl", [
    {
      qid: "1",
      query: "q",
      ctxs: [
        { id: "11", text: "x", label: 0 },
        { id: "12", title: "T", text: "y", label: 3 },
      ],
    },
  ]);
  const ranked = rank.cell(createTextCell(500))(0);
  assert.ok(ranked.parts.context.endsWith("[ID: 11] Document: x\n\n[ID: 12] Document (Title: T): y"));
  assert.deepEqual(ranked.references, ["12", "11"]);
  assert.equal(rank.score(" 12 > 11", ranked).score, 1);
  assert.ok(Math.abs(rank.score(" 11 > 12", ranked).score - 1 / Math.log2(3)) < 1e-12);

  const needles = await load("helmet", "niah_multivalue.jsonl", [
    { context: "c", query: "k", type_needle_v: "numbers", answer: ["1", "2"] },
  ]);
  const needle = needles.cell(createTextCell(500))(0);
  assert.equal(needle.parts.answerPrefix, "\nThe special magic numbers for k mentioned in the provided text are");
  assert.equal(needles.score("1 and 3", needle).score, 0.5);

  const qa = await load("helmet", "narrativeqa.jsonl", [{ context: "c", question: "q", answer: ["x"] }]);
  assert.equal(qa.mode, undefined);
  assert.equal(qa.score("x", qa.cell(createTextCell(500))(0)).score, 1);
});
