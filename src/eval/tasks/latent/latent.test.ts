import assert from "node:assert/strict";
import { test } from "node:test";
import { occurrences, plainHaystack, promptOf, testCell } from "../../../../test/support/task-cell.ts";
import { createHaystack } from "../../haystack.ts";
import { bank, cleanHaystack, functionWords } from "./bank.ts";
import { latentTasks } from "./index.ts";
import { contentStems, stem } from "./stem.ts";

const [oneHop, twoHop, literal] = latentTasks;
const stemsOf = (text: string) => new Set(contentStems(text.replace("{CHAR}", ""), functionWords));
const shared = (a: string, b: string) => [...stemsOf(a)].filter((word) => stemsOf(b).has(word));

test("inflected forms of a word have one stem, different words do not", () => {
  for (const forms of [
    "travel travels travelled travelling",
    "city cities",
    "ride rides riding",
    "box boxes",
    "plan planned",
  ])
    assert.equal(new Set(forms.split(" ").map(stem)).size, 1, forms);
  assert.equal(new Set(["arm", "army", "leg", "legal", "bass", "bas"].map(stem)).size, 6);
});

test("no needle shares a word of meaning with its question, and every literal question consists of the needle's words", () => {
  assert.ok(bank.items.filter(({ hops }) => hops === 1).length >= 40);
  assert.ok(bank.items.filter(({ hops }) => hops === 2).length >= 10);
  assert.equal(new Set(bank.items.map(({ id }) => id)).size, bank.items.length);
  for (const item of bank.items) {
    assert.equal(occurrences(item.needle, "{CHAR}"), 1, item.id);
    assert.deepEqual(shared(item.needle, item.question), [], item.id);
    assert.ok(stemsOf(item.question).size > 0, item.id);
    assert.deepEqual(new Set([...stemsOf(item.literal)].sort()), new Set([...stemsOf(item.needle)].sort()), item.id);
  }
});

test("a used haystack holds no character and no word of any question, also where the text is full of them", () => {
  const text = `${bank.names[3]} came home. It rained. The travellers met in London. A lantern glowed. The Rivers rose.`;
  const clean = cleanHaystack(createHaystack({ name: "x", text, license: "none" }));
  assert.deepEqual(clean.sentences, ["It rained.", "A lantern glowed."]);
  assert.throws(
    () => cleanHaystack(createHaystack({ name: "x", text: "London.", license: "none" })),
    /haystack "x": expected a sentence without a word of the latent questions, got none/,
  );
});

for (const task of latentTasks)
  test(`${task.id}: 33 samples fill 99 to 100 % of their length; the span holds the needle, and the character's name stands there alone`, () => {
    const length = 1500;
    const sampleAt = task.cell(testCell(task, length));
    const items = new Map(bank.items.map((item) => [item.id, item]));
    for (let index = 0; index < 33; index++) {
      const { parts, references, needles, maxTokens, depth, facts } = sampleAt(index);
      const total = Math.ceil(promptOf(parts).length / 4) + maxTokens;
      assert.ok(total <= length && total >= 0.99 * length, `${total} of ${length}`);
      const item = items.get(String(facts!.item))!;
      const [{ start, end }] = needles!;
      assert.equal(parts.context.slice(start, end), item.needle.replace("{CHAR}", references[0]));
      assert.equal(occurrences(promptOf(parts), references[0]), 1);
      assert.ok(parts.question.includes(task === literal ? item.literal : item.question));
      assert.equal(depth, (index % 11) / 10);
      if (task !== literal) assert.equal(item.hops, task === oneHop ? 1 : 2);
      assert.equal(task.score(`It was ${references[0]}'s.`, { ...sampleAt(index) }).score, 1);
    }
  });

test("each item comes once before one comes again, and at another depth", () => {
  const sampleAt = twoHop.cell(testCell(twoHop, 400));
  const size = bank.items.filter(({ hops }) => hops === 2).length;
  const drafts = Array.from({ length: 2 * size }, (_, index) => sampleAt(index));
  assert.equal(new Set(drafts.slice(0, size).map(({ facts }) => facts!.item)).size, size);
  assert.equal(new Set(drafts.slice(size).map(({ facts }) => facts!.item)).size, size);
  assert.deepEqual(twoHop.cell(testCell(twoHop, 400))(size), drafts[size]);
});

test("an answer with another character, with several, or with none scores 0", () => {
  const draft = { ...oneHop.cell(testCell(oneHop, 400, { haystack: plainHaystack }))(0), references: [bank.names[0]] };
  const score = (output: string) => oneHop.score(output, draft).score;
  assert.deepEqual(
    [`${bank.names[0]}.`, bank.names[0].toUpperCase(), bank.names[1], `${bank.names[0]} or ${bank.names[1]}`, ""].map(
      score,
    ),
    [1, 1, 0, 0, 0],
  );
});
