import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { loadTiny } from "../../../../test/support/sessions.ts";
import { occurrences, plainHaystack, promptOf, testCell } from "../../../../test/support/task-cell.ts";
import { writeTinyModel } from "../../../../test/support/tiny-model.ts";
import { vocabularyMetadata } from "../../../../test/support/tiny-vocabulary.ts";
import { defaultPlan } from "../../../context/plan.ts";
import type { GgufMetadata } from "../../../formats/gguf.ts";
import { createTokenizer } from "../../../tokenizer/tokenizer.ts";
import { openEngineBackends } from "../../backends/engine.ts";
import { counterOf, splitAtQuestion } from "../../prompt.ts";
import { runTasks } from "../../run/runner.ts";
import { type Cell, type Draft, type GenerationRequest, promptModes, type Row, type Task } from "../../types.ts";
import { needleKeys, needleSingle, needleValues } from "./shared-text.ts";

const sharing = [needleKeys, needleValues];
const tokenizer = createTokenizer(new Map(Object.entries(vocabularyMetadata(300))) as unknown as GgufMetadata);
const samplesOf = (task: Task, cell: Cell, count: number): Draft[] =>
  Array.from({ length: count }, (_, index) => index).map(task.cell(cell));
/** A text without its needles, which are lines of their own. */
const haystackIn = (text: string) =>
  text
    .split("\n")
    .filter((line) => codesIn(line).length === 0)
    .join(" ");
const codesIn = (text: string) => text.match(/\d{7}/g) ?? [];

test("ten samples share one context to the byte and differ in all else; the next ten have another of other facts", () => {
  for (const task of sharing) {
    const drafts = samplesOf(task, testCell(task, 3000), 20);
    const [first, second] = [drafts[0].parts.context, drafts[10].parts.context];
    assert.deepEqual(
      drafts.map(({ parts }) => parts.context),
      [...Array(10).fill(first), ...Array(10).fill(second)],
    );
    assert.notEqual(haystackIn(first).slice(0, 100), haystackIn(second).slice(0, 100));
    for (const of of [({ parts }: Draft) => parts.question, ({ references }: Draft) => references.join()])
      assert.equal(new Set(drafts.slice(0, 10).map(of)).size, 10);
    assert.equal(codesIn(first).filter((code) => second.includes(code)).length, 0);
    assert.deepEqual(
      drafts.map(({ group }) => group),
      [..."00000000001111111111"],
    );
  }
});

test("in a model's tokens and each mode, prompts of one text are alike up to the question, and the longest of them fills 99 to 100 %", () => {
  for (const task of sharing)
    for (const mode of promptModes) {
      const length = 9000;
      const cell = { ...testCell(task, length), ...counterOf(tokenizer, mode) };
      const drafts = samplesOf(task, cell, 20);
      for (const repetition of [0, 1]) {
        const ten = drafts.slice(10 * repetition, 10 * repetition + 10);
        const splits = ten.map(({ parts }) => splitAtQuestion(tokenizer, parts, mode));
        const { contextIds } = splits[0];
        const text = tokenizer.decode(contextIds, { special: true });
        assert.ok(text.endsWith(ten[0].parts.context.slice(-40)), `${task.id} ${mode}: ${text.slice(-60)}`);
        for (const split of splits) assert.deepEqual(split.contextIds, contextIds);
        const totals = ten.map(
          ({ maxTokens }, i) => splits[i].contextIds.length + splits[i].restIds.length + maxTokens,
        );
        const most = Math.max(...totals);
        assert.ok(most <= length && most >= 0.99 * length, `${task.id} ${mode}: ${most} of ${length}`);
      }
    }
});

test("at any length and seed no question exceeds it, and the longest is at most one haystack word (11 letters) short", () =>
  fc.assert(
    fc.property(
      fc.constantFrom(...sharing, needleSingle),
      fc.integer({ min: 900, max: 6000 }),
      fc.nat(9),
      fc.nat(2),
      (task, length, seed, repetition) => {
        const drafts = samplesOf(task, testCell(task, length, { seed }), 10 * (repetition + 1)).slice(-10);
        const totals = drafts.map(({ parts, maxTokens }) => Math.ceil(promptOf(parts).length / 4) + maxTokens);
        const most = Math.max(...totals);
        assert.ok(most <= length && most >= length - 3, `${task.id}: ${most} of ${length}`);
      },
    ),
    { numRuns: 40, seed: 1 },
  ));

test("sample i asks for what stands at 5, 15, … 95 % of the text, within 1 %, and there only; further codes follow at every 27.5 %, round its end", () => {
  for (const task of sharing) {
    const codes = task === needleKeys ? 1 : 4;
    for (const [index, draft] of samplesOf(task, testCell(task, 16_000), 20).entries()) {
      const { parts, references, needles = [], depth } = draft;
      assert.equal(depth, ((index % 10) + 0.5) / 10);
      assert.deepEqual([references.length, needles.length], [codes, codes]);
      const held = needles.map(({ start, end }) => parts.context.slice(start, end));
      const [, city] = /passcodes? for (\w+)\?/.exec(parts.question)!;
      for (const text of held) assert.match(text, new RegExp(`secret passcodes? for ${city} is \\d{7}\\.$`));
      assert.deepEqual(held.flatMap(codesIn).sort(), [...references].sort());
      for (const code of references) assert.equal(occurrences(promptOf(parts), code), 1);
      assert.equal(occurrences(parts.context, ` for ${city} is `), codes);
      const expected = Array.from({ length: codes }, (_, k) => (depth! + (k * 11) / 40) % 1).sort((a, b) => a - b);
      for (const [k, { start }] of needles.entries())
        assert.ok(Math.abs(start / parts.context.length - expected[k]) < 0.01, `${task.id} ${index}: ${start}`);
    }
  }
});

test("the 40 codes of needle_values stand a fortieth of the text apart, to one sentence, and those of a city 7 or 11 fortieths", () => {
  const drafts = samplesOf(needleValues, testCell(needleValues, 16_000), 10);
  const { context } = drafts[0].parts;
  const startsOf = ({ needles = [] }: Draft) => needles.map(({ start }) => start);
  const all = drafts.flatMap(startsOf).sort((a, b) => a - b);
  assert.equal(all.length, 40);
  for (const [j, start] of all.entries())
    assert.ok(start <= (j * context.length) / 40 + 60 && start > (j * context.length) / 40 - 160, `${j}: ${start}`);
  for (const draft of drafts) {
    const places = startsOf(draft).map((start) => all.indexOf(start));
    const gaps = places.map((place, i) => ((places[(i + 1) % 4] - place + 40) % 40).toString());
    assert.deepEqual(gaps.sort(), ["11", "11", "11", "7"]);
  }
});

test("ten facts of different kinds in one text: sample i asks for what stands at 5, 15, … 95 % of it, and there only; the next text has them elsewhere", () => {
  const drafts = samplesOf(needleSingle, testCell(needleSingle, 16_000), 20);
  for (const [index, { parts, references, needles = [], depth, group }] of drafts.entries()) {
    assert.equal(parts.context, drafts[index - (index % 10)].parts.context);
    assert.deepEqual([depth, group], [((index % 10) + 0.5) / 10, `${Math.floor(index / 10)}`]);
    const [{ start, end }, ...others] = needles;
    assert.deepEqual([others, references.length], [[], 1]);
    const needle = parts.context.slice(start, end);
    assert.ok(needle.includes(references[0]) && needle.endsWith("."), needle);
    assert.equal(occurrences(promptOf(parts), needle), 1);
    assert.ok(Math.abs(start / parts.context.length - depth!) < 0.01, `${index}: ${start}`);
    assert.ok(!parts.question.includes(references[0]) && !parts.answerPrefix?.includes(references[0]));
  }
  for (const [from, to] of [
    [0, 10],
    [10, 20],
  ])
    assert.equal(new Set(drafts.slice(from, to).map(({ parts }) => parts.question)).size, 10);
  const orders = [drafts.slice(0, 10), drafts.slice(10)].map((ten) =>
    ten.map(({ references }) => references[0]).join(),
  );
  assert.notEqual(orders[0], orders[1]);
});

test("a fact is found where the answer has its word, in any case, or its number, as a whole", () => {
  const drafts = samplesOf(needleSingle, testCell(needleSingle, 2000), 10);
  const of = (answer: string) => drafts.find(({ references }) => references[0] === answer)!;
  for (const [answer, output, score] of [
    ["Velvet", " velvet, the dog.", 1],
    ["Velvet", " Velve", 0],
    ["nettle", " Nettles.", 1],
    ["19", " 19.", 1],
    ["19", " 1900 or 219", 0],
    ["9057", " number 9057 opens it", 1],
  ] as const)
    assert.deepEqual(needleSingle.score(output, of(answer)), { score }, `${answer}: ${output}`);
});

test("without its needles the text is the haystack's own, from one place on", () => {
  for (const task of sharing) {
    const { context } = samplesOf(task, testCell(task, 5000), 1)[0].parts;
    assert.ok(haystackIn(context).length > 5000);
    assert.ok(plainHaystack.words(2 * plainHaystack.wordCount).includes(haystackIn(context)));
  }
});

test("a sample is the same whatever was made before it; another length or seed gives other codes", () => {
  for (const task of sharing) {
    const all = samplesOf(task, testCell(task, 2000), 14);
    for (const index of [13, 4]) assert.deepEqual(task.cell(testCell(task, 2000))(index), all[index]);
    const codes = [
      all[0],
      ...[testCell(task, 2001), testCell(task, 2000, { seed: 2 })].map((cell) => task.cell(cell)(0)),
    ];
    assert.equal(new Set(codes.map(({ references }) => references[0])).size, 3);
  }
});

test("a length without room for the ten facts is refused with both numbers", () => {
  for (const task of sharing)
    assert.throws(() => task.cell(testCell(task, 150))(0), /expected at least \d+ tokens for this task, got 150/);
});

test("one key: right as the first code; those of the nine others score 0", () => {
  const drafts = samplesOf(needleKeys, testCell(needleKeys, 1000), 10);
  for (const draft of drafts) {
    assert.deepEqual(needleKeys.score(` ${draft.references[0]}.`, draft), { score: 1 });
    for (const other of drafts)
      if (other !== draft) {
        assert.equal(needleKeys.score(other.references[0], draft).score, 0);
        assert.equal(needleKeys.score(`${other.references[0]}, or ${draft.references[0]}`, draft).score, 0);
      }
  }
});

test("four values: their share, in any order; those of another city and repeated ones count nothing", () => {
  const [draft, other] = samplesOf(needleValues, testCell(needleValues, 2000), 2);
  const score = (codes: readonly string[]) => needleValues.score(codes.join(", "), draft);
  const [a, b, c, d] = draft.references;
  assert.deepEqual(score([d, b, a, c]), { score: 1, all: 1 });
  assert.deepEqual(score([a, b, b, b]), { score: 0.5, all: 0 });
  assert.deepEqual(score([a, ...other.references.slice(1)]), { score: 0.25, all: 0 });
  assert.deepEqual(score([]), { score: 0, all: 0 });
});

test("an engine with a store reads each text once, and of the other prompts at most 250 tokens; in a second run of all prompts", async (t) => {
  const engine = await loadTiny("qwen2-q8_0", { threads: 1 });
  t.after(() => engine.dispose());
  const path = await writeTinyModel("qwen2-q8_0");
  const blocks = new Map<string, Uint8Array>();
  const store = {
    get: async (key: string) => blocks.get(key),
    put: async (key: string, payload: Uint8Array) => void blocks.set(key, payload),
  };
  const unread = async () => {
    const [backend] = await openEngineBackends({
      ...{ engine, plans: [defaultPlan], mode: "raw", path, version: "1", store },
    });
    const generate = (request: GenerationRequest) => backend.generate({ ...request, maxTokens: 1 });
    const rows: Row[] = [];
    const log = { folder: "", rows: [], append: (row: Row) => void rows.push(row), close: () => {} };
    await runTasks({
      lanes: [{ backend: { ...backend, generate }, log }],
      tasks: [needleKeys],
      lengths: [1400],
      samples: () => 12,
      source: { seed: 1, haystack: plainHaystack, files: new Map() },
    });
    await backend.dispose();
    return rows.map(({ usage }) => usage.promptTokens - usage.cachedTokens).sort((a, b) => b - a);
  };
  // A question has about 150 tokens of this vocabulary; a cut inside a block of 64 takes all of it.
  const [first, second, ...others] = await unread();
  assert.ok(second > 1000 && first > 1000 && others.length === 10);
  for (const tokens of [...others, ...(await unread())]) assert.ok(tokens <= 250, `${tokens} read`);
});
