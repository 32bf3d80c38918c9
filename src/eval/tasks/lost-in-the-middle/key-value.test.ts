import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { occurrences, promptOf, testCell } from "../../../../test/support/task-cell.ts";
import type { Draft, Task } from "../../types.ts";
import { lostInTheMiddleTasks } from "./index.ts";

const byId = new Map(lostInTheMiddleTasks.map((task) => [task.id, task]));
const [fill, aware] = [byId.get("kv_retrieval")!, byId.get("kv_retrieval_query_aware")!];
const samplesOf = (task: Task, length: number, count: number, seed = 1): Draft[] =>
  Array.from({ length: count }, (_, index) => index).map(task.cell(testCell(task, length, { seed })));

test("the prompt is the official one, string for string", () => {
  const [first] = samplesOf(fill, 1024, 1);
  const records =
    /^Extract the value corresponding to the specified key in the JSON object below\.\n\nJSON data:\n(\{.*\})\n\nKey: "(.{36})"\nCorresponding value:$/s;
  const [, json, key] = records.exec(promptOf(first.parts))!;
  assert.equal(JSON.parse(json)[key], first.references[0]);
  assert.match(json, /^\{"[^"]{36}": "[^"]{36}"(,\n "[^"]{36}": "[^"]{36}")+\}$/);
  const [early] = samplesOf(aware, 1024, 1);
  assert.match(early.parts.context, /below\.\n\nKey: "[^"]{36}"\n\nJSON data:\n\{"/);
  assert.equal(occurrences(promptOf(early.parts), /Key: "(.*)"/.exec(early.parts.question)![1]), 3);
});

test("every object is as full as fits, to less than one pair (21 tokens), and the span holds key and value, which stand there alone", () =>
  fc.assert(
    fc.property(
      fc.integer({ min: 400, max: 6000 }),
      fc.nat(30),
      fc.nat(5),
      fc.boolean(),
      (length, index, seed, isAware) => {
        const task = isAware ? aware : fill;
        const { parts, references, needles, maxTokens } = task.cell(testCell(task, length, { seed }))(index);
        const total = Math.ceil(promptOf(parts).length / 4) + maxTokens;
        assert.ok(total <= length && total > length - 21, `${total} of ${length}`);
        const [{ start, end }] = needles!;
        const key = /Key: "(.*)"/.exec(parts.question)![1];
        assert.equal(parts.context.slice(start, end), `"${key}": "${references[0]}"`);
        assert.equal(occurrences(promptOf(parts), references[0]), 1);
      },
    ),
    { numRuns: 40, seed: 1 },
  ));

test("seven questions share an object, evenly from its first pair to its last; the next seven have another", () => {
  const drafts = samplesOf(fill, 2000, 14);
  const pairs = Number(drafts[0].facts!.pairs);
  assert.equal(new Set(drafts.slice(0, 7).map(({ parts }) => parts.context)).size, 1);
  assert.equal(new Set(drafts.map(({ parts }) => parts.context)).size, 2);
  assert.deepEqual(
    drafts.slice(0, 7).map(({ facts }) => facts!.place),
    Array.from({ length: 7 }, (_, bin) => Math.floor((bin * (pairs - 1)) / 6)),
  );
  assert.deepEqual(
    drafts.map(({ group }) => group),
    [..."00000001111111"],
  );
  assert.deepEqual([drafts[0].depth, drafts[3].depth, drafts[6].depth], [0, 0.5, 1]);
});

test("fixed sizes ask at the published places, and refuse a length that is too short", () => {
  const placesOf = (id: string, count: number) =>
    samplesOf(byId.get(id)!, 32_768, count).map(({ facts }) => facts!.place);
  assert.deepEqual(placesOf("kv_75", 4), [0, 24, 49, 74]);
  assert.deepEqual(placesOf("kv_140", 5), [0, 34, 69, 104, 139]);
  assert.deepEqual(placesOf("kv_300", 8), [0, 49, 99, 149, 199, 249, 299, 0]);
  assert.throws(
    () => samplesOf(byId.get("kv_300")!, 4096, 1),
    /300 pairs: expected a length of at least \d+ tokens, got 4096/,
  );
});

test("a sample is the same whatever was made before it", () => {
  for (const task of lostInTheMiddleTasks)
    assert.deepEqual(task.cell(testCell(task, 8192))(9), samplesOf(task, 8192, 10)[9]);
});

test("a value scores 1 in either case of its letters and within a sentence; the values of the six other questions score 0", () => {
  const drafts = samplesOf(fill, 1024, 7);
  for (const draft of drafts) {
    assert.equal(fill.score(`It is "${draft.references[0].toUpperCase()}".`, draft).score, 1);
    for (const other of drafts) if (other !== draft) assert.equal(fill.score(other.references[0], draft).score, 0);
  }
});
