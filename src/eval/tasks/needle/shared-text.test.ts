import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { testHost, writeModel } from "../../../../test/support/sessions.ts";
import { occurrences, plainHaystack, promptOf, testCell } from "../../../../test/support/task-cell.ts";
import { tinyModel } from "../../../../test/support/tiny-model.ts";
import { vocabularyMetadata } from "../../../../test/support/tiny-vocabulary.ts";
import { defaultPlan } from "../../../context/plan.ts";
import { loadEngine } from "../../../engine/load.ts";
import type { GgufMetadata } from "../../../formats/gguf.ts";
import { createTokenizer } from "../../../tokenizer/tokenizer.ts";
import { openEngineBackends } from "../../backends/engine.ts";
import { counterOf, splitAtQuestion } from "../../prompt.ts";
import { runTasks } from "../../run/runner.ts";
import { type Cell, type Draft, type GenerationRequest, promptModes, type Row, type Task } from "../../types.ts";
import { needleKeys, needleSingle, needleValues } from "./shared-text.ts";

const sharing = [needleSingle, needleKeys, needleValues];
/** Of their needles, from where they would stand by themselves. */
const shifts = new Map([
  [needleSingle, -1 / 60],
  [needleKeys, 0],
  [needleValues, 1 / 60],
]);
const tokenizer = createTokenizer(new Map(Object.entries(vocabularyMetadata(300))) as unknown as GgufMetadata);
const samplesOf = (task: Task, cell: Cell, count: number): Draft[] =>
  Array.from({ length: count }, (_, index) => index).map(task.cell(cell));
/** A text without its needles, which are lines of their own; the haystack's sentences have nothing but words in them. */
const haystackIn = (text: string) =>
  text
    .split("\n")
    .filter((line) => plainHaystack.words(2 * plainHaystack.wordCount).includes(line))
    .join(" ");
const codesIn = (text: string) => text.match(/\d{7}/g) ?? [];

test("three tasks ask about one and the same text; another length or seed gives another", () => {
  const textOf = (task: Task, length: number, seed = 1) =>
    samplesOf(task, testCell(task, length, { seed }), 11).map(({ parts }) => parts.context);
  const texts = sharing.map((task) => textOf(task, 3000));
  for (const other of texts) assert.deepEqual(other, texts[0]);
  for (const other of [textOf(needleKeys, 3001), textOf(needleKeys, 3000, 2)]) assert.notEqual(other[0], texts[0][0]);
});

test("ten samples share one context to the byte and differ in all else; the next ten have another of other codes", () => {
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
    fc.property(fc.integer({ min: 1400, max: 6000 }), fc.nat(9), fc.nat(2), (length, seed, repetition) => {
      const drafts = sharing.flatMap((task) =>
        samplesOf(task, testCell(task, length, { seed }), 10 * (repetition + 1)).slice(-10),
      );
      const totals = drafts.map(({ parts, maxTokens }) => Math.ceil(promptOf(parts).length / 4) + maxTokens);
      const most = Math.max(...totals);
      assert.ok(most <= length && most >= length - 3, `${most} of ${length}`);
    }),
    { numRuns: 12, seed: 1 },
  ));

test("sample i asks for what stands at 5, 15, … 95 % of the text, less or more a sixtieth, within 1 %, and there only; a further code follows 55 % on, round its end", () => {
  for (const task of sharing) {
    const codes = task === needleValues ? 2 : 1;
    const shift = shifts.get(task)!;
    for (const [index, draft] of samplesOf(task, testCell(task, 16_000), 20).entries()) {
      const { parts, references, needles = [], depth } = draft;
      assert.ok(Math.abs(depth! - ((index % 10) + 0.5) / 10 - shift) < 1e-9);
      assert.deepEqual([references.length, needles.length], [codes, codes]);
      const expected = Array.from({ length: codes }, (_, k) => ((depth! - shift + (k * 11) / 20) % 1) + shift);
      for (const [k, { start }] of needles.entries())
        assert.ok(
          Math.abs(start / parts.context.length - expected.sort((a, b) => a - b)[k]) < 0.01,
          `${task.id} ${index}: ${start}`,
        );
      if (task === needleSingle) continue;
      const held = needles.map(({ start, end }) => parts.context.slice(start, end));
      const [, subject] = /(?:secret|all 2) ([^?]+)\?/.exec(parts.question)!;
      for (const text of held) assert.match(text, new RegExp(` ${subject} is \\d{7}\\.$`));
      assert.deepEqual(held.flatMap(codesIn).sort(), [...references].sort());
      for (const code of references) assert.equal(occurrences(promptOf(parts), code), 1);
      assert.equal(occurrences(parts.context, ` ${subject} is `), codes);
    }
  }
});

test("ten facts of different kinds: each asked for once, told once, in words that do not say the answer; in another order in the next text", () => {
  const drafts = samplesOf(needleSingle, testCell(needleSingle, 16_000), 20);
  for (const { parts, references, needles = [] } of drafts) {
    const [{ start, end }] = needles;
    const needle = parts.context.slice(start, end);
    assert.ok(needle.includes(references[0]) && needle.endsWith("."), needle);
    assert.equal(occurrences(promptOf(parts), needle), 1);
    assert.ok(!parts.question.includes(references[0]) && !parts.answerPrefix?.includes(references[0]));
  }
  const orders = [drafts.slice(0, 10), drafts.slice(10)].map((ten) => ten.map(({ parts }) => parts.question));
  assert.deepEqual([...orders[0]].sort(), [...orders[1]].sort());
  assert.notDeepEqual(orders[0], orders[1]);
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
    const [needles, lines] = [40, context.split("\n").length];
    assert.ok(lines > needles && haystackIn(context).length > 12_000);
    assert.ok(plainHaystack.words(3 * plainHaystack.wordCount).includes(haystackIn(context)));
  }
});

test("a sample is the same whatever was made before it; another length or seed gives other texts", () => {
  for (const task of sharing) {
    const all = samplesOf(task, testCell(task, 2000), 14);
    for (const index of [13, 4]) assert.deepEqual(task.cell(testCell(task, 2000))(index), all[index]);
    const codes = [
      all[0],
      ...[testCell(task, 2001), testCell(task, 2000, { seed: 2 })].map((cell) => task.cell(cell)(0)),
    ];
    assert.equal(new Set(codes.map(({ parts }) => parts.context)).size, 3);
  }
});

test("a length without room for the needles is refused with both numbers", () => {
  for (const task of sharing)
    assert.throws(() => task.cell(testCell(task, 500))(0), /expected at least \d+ tokens for this task, got 500/);
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

test("two values: their share, in any order; those of another thing and repeated ones count nothing", () => {
  const [draft, other] = samplesOf(needleValues, testCell(needleValues, 2000), 2);
  const score = (codes: readonly string[]) => needleValues.score(codes.join(", "), draft);
  const [a, b] = draft.references;
  assert.deepEqual(score([b, a]), { score: 1, all: 1 });
  assert.deepEqual(score([a, a]), { score: 0.5, all: 0 });
  assert.deepEqual(score([a, ...other.references]), { score: 0.5, all: 0 });
  assert.deepEqual(score([]), { score: 0, all: 0 });
});

test("an engine with a store reads each text once, and of the other prompts at most 250 tokens; in a second run of all prompts", async (t) => {
  const path = writeModel(tinyModel("qwen2", { contextLength: 8192, layers: 1, hiddenSize: 64, feedForward: 96 }));
  const engine = await loadEngine(testHost(), path, { threads: 1 });
  t.after(() => engine.dispose());
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
      lengths: [4400],
      samples: () => 12,
      source: { seed: 1, haystack: plainHaystack, files: new Map() },
    });
    await backend.dispose();
    return rows.map(({ usage }) => usage.promptTokens - usage.cachedTokens).sort((a, b) => b - a);
  };
  // A question has about 150 tokens of this vocabulary; a cut inside a block of 64 takes all of it.
  const [first, second, ...others] = await unread();
  assert.ok(second > 4000 && first > 4000 && others.length === 10);
  for (const tokens of [...others, ...(await unread())]) assert.ok(tokens <= 250, `${tokens} read`);
});
