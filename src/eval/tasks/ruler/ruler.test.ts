import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { createCell, promptHash, samplesOf } from "../../run/samples.ts";
import { splitSentences } from "../../sentences.ts";
import type { Haystack, Parts, Sample, Task } from "../../types.ts";
import { rulerTasks } from "./index.ts";

const SEEDS = 12;
const LENGTH = 4096;

/** Four characters a token. */
const countTokens = (text: string) => Math.ceil(text.length / 4);
const promptTokens = ({ context, question, answerPrefix = "" }: Parts) =>
  countTokens(context + question + answerPrefix);
const sentences = splitSentences(readFileSync("test/golden/logits/text.txt", "utf8"));
const haystack: Haystack = { name: "test", sha256: "", license: "", sentences, words: () => "", wordCount: 0 };

function sampleOf(task: Task, { seed = 1, length = LENGTH, index = 0, count = 1 } = {}): Sample {
  const cell = createCell({ promptTokens, countTokens }, task, length, count, { seed, haystack, files: new Map() });
  return samplesOf(task, cell)(index);
}

/** Of the second profile only what has code of its own, and one of the others. */
const isOwn = (id: string) => !id.startsWith("lmeval_niah") || id === "lmeval_niah_multivalue";
const cases = rulerTasks
  .filter(({ id }) => !id.includes("qa_") && isOwn(id))
  .map((task) => ({ task, samples: Array.from({ length: SEEDS }, (_, seed) => sampleOf(task, { seed })) }));
const byId = (id: string) => cases.find(({ task }) => task.id === id)!;
const occurrences = (text: string, part: string) => text.split(part).length - 1;
const isFamily = (id: string, name: string) => id.replace("lmeval_", "").startsWith(name);

test("both profiles have the thirteen tasks under their names", () => {
  const names =
    "niah_single_1 niah_single_2 niah_single_3 niah_multikey_1 niah_multikey_2 niah_multikey_3 niah_multivalue niah_multiquery vt cwe fwe qa_1 qa_2".split(
      " ",
    );
  assert.deepEqual(
    rulerTasks.map(({ family, id }) => [family, id]),
    [...names.map((name) => ["ruler", name]), ...names.map((name) => ["ruler-lmeval", `lmeval_${name}`])],
  );
});

for (const { task, samples } of cases) {
  // The harness forgets the answer's 50 tokens.
  const room = task.id === "lmeval_fwe" ? LENGTH + 50 : LENGTH;

  test(`${task.id}: prompt and answer fill ${room} tokens to 0.99 or more, with ${SEEDS} seeds`, () => {
    for (const { promptTokens, maxTokens } of samples) {
      const fill = (promptTokens + maxTokens) / room;
      assert.ok(fill >= 0.99 && fill <= 1, `fill ${fill}`);
    }
  });

  test(`${task.id}: an answer with all references scores 1, an empty one 0, with ${SEEDS} seeds`, () => {
    for (const sample of samples) {
      assert.equal(task.score(` ${sample.references.join(", ")}.`, sample).score, 1);
      assert.equal(task.score("", sample).score, 0);
    }
  });

  test(`${task.id}: a seed gives the same sample in any order, another index or seed another one`, () => {
    assert.deepEqual(sampleOf(task, { seed: 3 }), samples[3]);
    const cell = createCell({ promptTokens, countTokens }, task, LENGTH, 9, { seed: 3, haystack, files: new Map() });
    const make = samplesOf(task, cell);
    const later = make(5);
    assert.deepEqual(make(0), samples[3]);
    assert.equal(new Set([...samples, later].map(promptHash)).size, SEEDS + 1);
  });
}

for (const { task, samples } of cases.filter(({ task }) => isFamily(task.id, "niah")))
  test(`${task.id}: each gold value stands once in the context, inside its span, and the first span gives the depth, with ${SEEDS} seeds`, () => {
    for (const { parts, references, needles, depth } of samples) {
      const texts = needles!.map(({ start, end }) => parts.context.slice(start, end));
      assert.equal(texts.length, references.length);
      for (const text of texts) assert.match(text, /^One of the special magic \w+ for .+ is: \S+\.$/);
      for (const reference of references) {
        assert.equal(occurrences(parts.context, reference), 1);
        const text = texts.find((one) => one.endsWith(` is: ${reference}.`))!;
        const key = text.slice(text.indexOf(" for ") + 5, text.indexOf(" is: "));
        assert.ok(parts.question.includes(key) && parts.answerPrefix!.includes(key), key);
      }
      assert.equal(depth, needles![0].start / parts.context.length);
      assert.ok(needles!.every(({ start }, i) => i === 0 || start > needles![i - 1].end));
    }
  });

for (const { task, samples } of cases.filter(({ task }) => /^(niah|vt)/.test(task.id)))
  test(`${task.id}: another length shares no gold value, and another seed's answer scores 0, with ${SEEDS} seeds`, () => {
    for (const [seed, sample] of samples.entries()) {
      const shorter = sampleOf(task, { seed, length: 1500 });
      assert.deepEqual(
        shorter.references.filter((reference) => sample.references.includes(reference)),
        [],
      );
      assert.equal(task.score(samples[(seed + 1) % SEEDS].references.join(", "), sample).score, 0);
    }
  });

test(`depths of ${SEEDS} needles spread over the whole context: some in each third`, () => {
  const thirds = byId("niah_single_2").samples.map(({ depth }) => Math.floor(depth! * 3));
  assert.deepEqual([...new Set(thirds)].sort(), [0, 1, 2]);
});

for (const { task, samples } of cases.filter(({ task }) => isFamily(task.id, "vt")))
  test(`${task.id}: five lines in order hand the asked value on, and the names stand nowhere else, with ${SEEDS} seeds`, () => {
    for (const { parts, references, needles } of samples) {
      const value = /the value (\d{5}) in/.exec(parts.question)![1];
      assert.deepEqual(
        needles!.map(({ start, end }) => parts.context.slice(start, end)),
        references.map((name, i) => `VAR ${name} = ${i === 0 ? value : `VAR ${references[i - 1]}`}`),
      );
      assert.deepEqual(
        references.map((name) => occurrences(parts.context, name)),
        [2, 2, 2, 2, 1],
      );
      assert.equal(occurrences(parts.context, "Memorize and track"), 2);
      assert.equal(occurrences(parts.context, "Question:"), 1);
    }
  });

for (const { task, samples } of cases.filter(({ task }) => isFamily(task.id, "cwe")))
  test(`${task.id}: the ten words stand 30 times each in a list counted from 1, all others 3 times, with ${SEEDS} seeds`, () => {
    const shots = task.id === "cwe" ? 1 : 0;
    for (const { parts, references } of samples) {
      const lists = parts.context.split("\n").filter((line) => line.startsWith("1. "));
      assert.equal(lists.length, 1 + shots);
      const items = [...lists.at(-1)!.matchAll(/(\d+)\. (.+?)(?= \d+\. |$)/g)];
      assert.deepEqual(
        items.map(([, number]) => Number(number)),
        items.map((_, i) => i + 1),
      );
      const counts = new Map<string, number>();
      for (const [, , word] of items) counts.set(word, (counts.get(word) ?? 0) + 1);
      for (const [word, count] of counts) assert.equal(count, references.includes(word) ? 30 : 3, word);
      assert.equal(references.length, 10);
    }
  });

test(`cwe: another seed's ten words find less than 5 % on average, as words of their own less than 2 %, with ${SEEDS} seeds`, () => {
  const { task, samples } = byId("cwe");
  const scores = samples.map((sample, i) => task.score(samples[(i + 1) % SEEDS].references.join(", "), sample));
  const mean = (name: string) => scores.reduce((sum, score) => sum + score[name], 0) / SEEDS;
  assert.ok(mean("score") < 0.05 && mean("word_boundary") < 0.02, `${mean("score")}, ${mean("word_boundary")}`);
});

for (const { task, samples } of cases.filter(({ task }) => isFamily(task.id, "fwe")))
  test(`${task.id}: the three words are the most frequent after the dots, as often as Zipf's law says, with ${SEEDS} seeds`, () => {
    for (const { parts, references, facts } of samples) {
      const text = parts.context.split("coded words. ").at(-1)!.trim();
      const counts = new Map<string, number>();
      for (const word of text.split(" ")) counts.set(word, (counts.get(word) ?? 0) + 1);
      const ranked = [...counts].sort((a, b) => b[1] - a[1]);
      assert.deepEqual(
        ranked.slice(0, 4).map(([word]) => word),
        ["...", ...references],
      );
      const expected = (rank: number) => Math.floor((Number(facts!.units) * 6) / Math.PI ** 2 / rank ** 2);
      assert.deepEqual(
        ranked.slice(0, 5).map(([, count]) => count),
        [1, 2, 3, 4, 5].map(expected),
      );
    }
  });

test("the singular is the task's own: nothing in a prompt of noise but its first sentence and question is rewritten", () => {
  const { parts } = byId("niah_single_1").samples[0];
  assert.match(parts.context, /^A special magic number is hidden within the following text\. Make sure/);
  assert.match(parts.context, /I will quiz you about the number afterwards\.\nThe grass is green\./);
  assert.match(parts.context, /One of the special magic numbers for /);
  assert.match(parts.question, /^What is the special magic number for .* mentioned in the provided text\?$/);
  assert.match(parts.answerPrefix!, /^ The special magic number for .* mentioned in the provided text is$/);
  const { parts: plural } = byId("niah_multiquery").samples[0];
  assert.match(plural.question, /^What are all the special magic numbers for .*, .*, .*, and .* mentioned/);
});

test("tokens to generate are as published where the answer is short, and grow with it only in profile ruler", () => {
  const most = (id: string) => byId(id).samples.map(({ maxTokens, facts }) => [maxTokens, facts!.maxNewRaised]);
  assert.deepEqual(new Set(most("niah_single_1").flat()), new Set([128, undefined]));
  // Five names and four ", " are 33 characters, 9 tokens here: 1.5 * 9 + 8 = 22.
  assert.deepEqual(new Set(most("vt").flat()), new Set([30, undefined]));
  const byCharacter = {
    promptTokens: ({ context, question, answerPrefix = "" }: Parts) => (context + question + answerPrefix).length,
    countTokens: (text: string) => text.length,
  };
  const make = (id: string) => {
    const { task } = byId(id);
    const cell = createCell(byCharacter, task, 16384, 1, { seed: 1, haystack, files: new Map() });
    return samplesOf(task, cell)(0);
  };
  const raised = make("vt");
  assert.deepEqual([raised.maxTokens, raised.facts!.maxNewRaised], [58, true]);
  assert.ok(raised.promptTokens + raised.maxTokens <= 16384);
  assert.equal(make("lmeval_vt").maxTokens, 30);
});

test("profile ruler-lmeval has the harness's spelling, delimiters and zero shots", () => {
  const parts = (id: string) => byId(id).samples[0].parts;
  assert.match(parts("lmeval_vt").answerPrefix!, /^ Answer: .* variables are assgined the value \d{5}, they are:$/);
  assert.match(parts("lmeval_vt").context, /they are: {2}[A-Z ]+\n\n\n\nMemorize/);
  assert.match(parts("lmeval_vt").context, /There and back again\.\n The grass is green\./);
  assert.match(parts("lmeval_cwe").answerPrefix!, /^\n\nAnswer: The top 10 words/);
  assert.match(parts("lmeval_cwe").context, /^Below is a numbered list/);
  assert.match(parts("vt").answerPrefix!, /variables are assigned the value \d{5}, they are: $/);
  assert.match(parts("vt").context, /they are: {2}[A-Z ]+\n\nMemorize/);
});
