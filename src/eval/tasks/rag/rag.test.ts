import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createRandom } from "../../random.ts";
import type { Cell, Draft, Task } from "../../types.ts";
import { makeItem, questionKinds, ragData } from "./bank.ts";
import { ragTasks } from "./index.ts";
import { isRefusal } from "./score.ts";

const [closed, oracle, bm25At1, bm25At5, bm25At10, long] = ragTasks;
/** Every depth with every kind of question. */
const indices = Array.from({ length: 28 }, (_, i) => i);

const numbers = createRandom("haystack");
const common = "a after as at by for from had has in is it of on one or that the to what when which who with".split(
  " ",
);
const nonsense = Array.from({ length: 400 }, () => numbers.uuid().replace(/[-\d]/g, "").slice(0, 7));
const sentences = Array.from({ length: 700 }, () => {
  const words = Array.from({ length: numbers.between(3, 40) }, () =>
    numbers.pick(numbers.int(2) === 0 ? common : nonsense),
  );
  return `The ${words.join(" ")}.`;
});

function cellOf(task: Task, length: number): Cell {
  const countTokens = (text: string) => Math.ceil(text.length / 4);
  return {
    seed: 3,
    length,
    count: indices.length,
    random: (name) => createRandom(3, task.id, length, name),
    countTokens,
    promptTokens: ({ context, question, answerPrefix = "" }) => countTokens(context + question + answerPrefix),
    haystack: { name: "nonsense", sha256: "", license: "", sentences, words: () => "", wordCount: 0 },
    files: new Map(),
  };
}

const cost = (draft: Draft) => cellOf(long, 0).promptTokens(draft.parts) + draft.maxTokens;
const samplesOf = (task: Task, length: number) => indices.map(task.cell(cellOf(task, length)));
const chunksOf = ({ parts }: Draft) => parts.context.slice(ragData().instruction.text.length).split("\n\n");
const perArm = new Map([2048, 8192].map((length) => [length, ragTasks.map((task) => samplesOf(task, length))]));

test("sample i asks the same question with the same reference in all six arms", () => {
  for (const arms of perArm.values())
    for (const i of indices)
      for (const drafts of arms) {
        assert.equal(drafts[i].parts.question, arms[5][i].parts.question);
        assert.deepEqual(drafts[i].references, arms[5][i].references);
        assert.equal(drafts[i].facts!.kind, questionKinds[i % 4]);
      }
});

test("the long arm fills 0.99 to 1 of the length, and no arm has more than it", () => {
  for (const [length, arms] of perArm)
    for (const i of indices) {
      const full = cost(arms[5][i]);
      assert.ok(full >= 0.99 * length && full <= length, `${full} of ${length}`);
      for (const drafts of arms) assert.ok(cost(drafts[i]) <= full);
    }
});

test("the fact stands once in the long text, at its span and within 0.06 of its depth, unless it is left out", () => {
  for (const draft of perArm.get(8192)![5]) {
    const { context } = draft.parts;
    const [reference] = draft.references;
    const answers = (text: string) => context.toLowerCase().split(text.toLowerCase()).length - 1;
    if (draft.facts!.kind === "unanswerable") {
      assert.deepEqual(draft.needles, []);
      continue;
    }
    const [{ start, end }] = draft.needles!;
    const fact = context.slice(start, end);
    assert.equal(answers(fact), 1);
    assert.equal(answers(reference), 1);
    assert.ok(fact.toLowerCase().includes(reference.toLowerCase()));
    assert.ok(Math.abs(start / context.length - draft.depth!) < 0.06, `${start / context.length}, ${draft.depth}`);
  }
});

test("the oracle shows the one chunk with the fact, and closed book shows nothing", () => {
  const { families } = ragData();
  for (const arms of perArm.values())
    for (const i of indices) {
      const draft = arms[1][i];
      assert.equal(draft.facts!.hasGold, draft.facts!.kind !== "unanswerable");
      assert.ok(chunksOf(arms[5][i]).includes(chunksOf(draft)[0]));
      assert.equal(chunksOf(draft).length, 1);
      assert.equal(arms[0][i].parts.context, ragData().instruction.none);
    }
  assert.ok(families.length >= 12);
});

test("BM25 shows at most 1, 5 and 10 chunks of at most 300 words, each from the text and in its order", () => {
  for (const arms of perArm.values())
    for (const i of indices) {
      const all = chunksOf(arms[5][i]);
      for (const chunk of all) assert.ok(chunk.split(" ").length <= 300);
      for (const [arm, most] of [
        [arms[2], 1],
        [arms[3], 5],
        [arms[4], 10],
      ] as const) {
        const places = chunksOf(arm[i]).map((chunk) => all.indexOf(chunk));
        assert.equal(places.length, Math.min(most, all.length));
        assert.deepEqual(
          places,
          places.toSorted((left, right) => left - right),
        );
        assert.ok(places.every((place) => place >= 0));
        assert.equal(arm[i].facts!.hasGold, arm[i].needles!.length === 1);
      }
    }
});

test("the best chunk has the fact for every direct question, but for some paraphrases only", () => {
  const found = (kind: string) => {
    const ofKind = perArm.get(8192)![2].filter(({ facts }) => facts!.kind === kind);
    return ofKind.filter(({ facts }) => facts!.hasGold).length / ofKind.length;
  };
  assert.equal(found("direct"), 1);
  assert.ok(found("paraphrase") < 0.6);
});

test("the reference scores 1, every other answer of the bank 0, and a refusal 1 only where the fact is left out", () => {
  const answers = ragData().families.flatMap((family) => family.answers);
  for (const draft of perArm.get(2048)![5]) {
    const [reference] = draft.references;
    const isOpen = draft.facts!.kind === "unanswerable";
    assert.equal(long.score(isOpen ? "Unanswerable." : `The answer is ${reference.toUpperCase()}.`, draft).score, 1);
    for (const other of answers) if (other !== reference) assert.equal(long.score(other, draft).score, 0);
    assert.equal(long.score("The text does not say.", draft).score, Number(isOpen));
  }
});

test("no answer of the bank contains another or stands in a template, so that no text answers by accident", () => {
  const { families, people, places } = ragData();
  const answers = families.flatMap((family) => family.answers);
  const spoken = [
    ...families.flatMap(({ fact, direct, paraphrase }) => [fact, direct, paraphrase]),
    ...people,
    ...places,
  ];
  for (const answer of answers) {
    assert.equal(answers.filter((other) => ` ${other} `.includes(` ${answer} `)).length, 1, answer);
    for (const text of spoken) assert.ok(!text.toLowerCase().includes(answer), `${answer}: ${text}`);
    assert.ok(!isRefusal(answer), answer);
  }
});

test("an item has three other facts, none with its answer, and names nobody in a paraphrase", () => {
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom(...questionKinds), (seed, kind) => {
      const item = makeItem(kind, createRandom(seed));
      assert.equal(item.others.length, 3);
      for (const text of [item.question, item.fact, ...item.others]) assert.doesNotMatch(text, /[{}]/);
      assert.ok(item.others.every((other) => !other.includes(item.answer)));
      assert.equal(
        ragData().people.some((person) => item.question.includes(person)),
        kind !== "paraphrase",
      );
    }),
  );
});

test("a sample does not depend on those made before it", () => {
  for (const [arm, task] of [closed, oracle, bm25At1, bm25At5, bm25At10, long].entries())
    assert.deepEqual(task.cell(cellOf(task, 2048))(17), perArm.get(2048)![arm][17]);
});
