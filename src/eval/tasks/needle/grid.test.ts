import assert from "node:assert/strict";
import { test } from "node:test";
import { occurrences, promptOf, testCell } from "../../../../test/support/task-cell.ts";
import { needleFact, needleMulti } from "./fact.ts";
import { needleFixed } from "./fixed.ts";
import { needleTasks } from "./index.ts";

const hiding = [needleFixed, needleFact, needleMulti];

for (const task of hiding)
  test(`${task.id}: 60 samples fill 99 to 100 % of their length, and the spans hold every answer, which stands there alone`, () => {
    for (const length of [512, 1000, 4096]) {
      const sampleAt = task.cell(testCell(task, length));
      for (let index = 0; index < 20; index++) {
        const { parts, maxTokens, needles = [], references, depth } = sampleAt(index);
        const total = Math.ceil(promptOf(parts).length / 4) + maxTokens;
        assert.ok(total <= length && total >= 0.99 * length, `${total} of ${length}`);
        const held = needles.map(({ start, end }) => parts.context.slice(start, end));
        for (const answer of references) {
          assert.ok(held.some((text) => text.includes(answer)));
          if (task !== needleFixed) assert.equal(occurrences(promptOf(parts), answer), 1);
        }
        for (const text of held) assert.equal(occurrences(parts.context, text), 1);
        assert.equal(depth, (index % 11) / 10);
        assert.ok(Math.abs(needles[0].start / parts.context.length - depth) < 700 / parts.context.length);
      }
    }
  });

test("a sample is the same whatever was made before it; another index, length or seed gives other codes", () => {
  for (const task of hiding) {
    const forward = task.cell(testCell(task, 800));
    const all = Array.from({ length: 12 }, (_, index) => forward(index));
    assert.deepEqual(task.cell(testCell(task, 800))(7), all[7]);
  }
  const codes = [
    ...Array.from({ length: 50 }, (_, index) => needleFact.cell(testCell(needleFact, 300))(index)),
    needleFact.cell(testCell(needleFact, 301))(0),
    needleFact.cell(testCell(needleFact, 300, { seed: 2 }))(0),
  ].map(({ references }) => references[0]);
  assert.equal(new Set(codes).size, 52);
});

test("depths of a repetition share the text before the needle; another repetition starts elsewhere", () => {
  const sampleAt = needleFact.cell(testCell(needleFact, 1000));
  const [half, most, later] = [sampleAt(5), sampleAt(9), sampleAt(16)];
  const start = half.needles![0].start - 1;
  assert.ok(start > 0);
  assert.equal(most.parts.context.slice(0, start), half.parts.context.slice(0, start));
  assert.notEqual(later.parts.context.slice(0, 60), half.parts.context.slice(0, 60));
});

test("the control asks the fixed question without a text, also where a prompt with one does not fit", () => {
  const control = needleTasks.find(({ id }) => id === "needle_no_context")!;
  const { parts } = control.cell(testCell(control, 150))(3);
  assert.deepEqual([parts.context, parts.question], ["", "What is the best thing to do in San Francisco?"]);
  assert.throws(() => control.cell(testCell(control, 80)), /expected a length of at least \d+ tokens, got 80/);
});

test("keyword recall: whole words, 5 of 7 pass, 4 do not", () => {
  const draft = needleFixed.cell(testCell(needleFixed, 400))(0);
  const score = (output: string) => needleFixed.score(output, draft);
  assert.deepEqual(score(" to EAT a sandwich and sit in Dolores Park on a sunny day."), { score: 1, recall: 1 });
  assert.deepEqual(score("eating a sandwich and sitting in Dolores Park on a sunny day"), { score: 1, recall: 5 / 7 });
  assert.deepEqual(score("eat a sandwich on a sunny day"), { score: 0, recall: 4 / 7 });
  assert.deepEqual(score("parking daily, unsunny seats"), { score: 0, recall: 0 });
});

test("a passcode is right as the first code, whole; several count one by one", () => {
  const one = { ...needleFact.cell(testCell(needleFact, 400))(0), references: ["1234567"] };
  const fact = (output: string) => needleFact.score(output, one).score;
  assert.deepEqual(
    [" 1234567.", "1. The passcode is 1234567", "12345678", "7654321, or 1234567", ""].map(fact),
    [1, 1, 0, 0, 0],
  );
  const four = { ...one, references: ["1111111", "2222222", "3333333", "4444444"] };
  assert.deepEqual(needleMulti.score("4444444, 2222222 and 22222223", four), { score: 0.5, all: 0 });
  assert.deepEqual(needleMulti.score(four.references.join("\n"), four), { score: 1, all: 1 });
});

test("the gold answer scores 1, that of another sample 0", () => {
  for (const task of [needleFact, needleMulti]) {
    const sampleAt = task.cell(testCell(task, 500));
    for (let index = 0; index < 22; index++) {
      const [draft, other] = [sampleAt(index), sampleAt(index + 1)];
      assert.equal(task.score(draft.references.join(", "), draft).score, 1);
      assert.equal(task.score(other.references.join(", "), draft).score, 0);
    }
  }
});
