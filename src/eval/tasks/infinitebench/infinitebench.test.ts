import assert from "node:assert/strict";
import { test } from "node:test";
import { occurrences, promptOf, testCell } from "../../../../test/support/task-cell.ts";
import type { Draft, Task } from "../../types.ts";
import { infiniteBenchTasks } from "./index.ts";

const [passkey, numberString, keyValue, mathFind, codeRun] = infiniteBenchTasks;
const samplesOf = (task: Task, length: number, count: number): Draft[] =>
  Array.from({ length: count }, (_, index) => index).map(task.cell(testCell(task, length)));
const golden = (draft: Draft, references: string[]): Draft => ({ ...draft, references });

test("all five fill 99 to 100 % of 4096 tokens, 22 samples each, the same whatever was made before", () => {
  for (const task of infiniteBenchTasks) {
    const drafts = samplesOf(task, 4096, 22);
    for (const { parts, maxTokens } of drafts) {
      const total = Math.ceil(promptOf(parts).length / 4) + maxTokens;
      assert.ok(total <= 4096 && total >= 0.99 * 4096, `${task.id}: ${total} of 4096`);
    }
    assert.deepEqual(task.cell(testCell(task, 4096))(13), drafts[13]);
  }
});

test("pass keys have 5 digits, number strings 10 in at most 5 runs; each stands twice in its line and nowhere else", () => {
  for (const [task, shape] of [
    [passkey, /^\d{5}$/],
    [numberString, /^\d{10}$/],
  ] as const) {
    const drafts = samplesOf(task, 1024, 33);
    for (const { parts, references, needles, depth } of drafts) {
      assert.match(references[0], shape);
      assert.ok(task === passkey || references[0].match(/(\d)\1*/g)!.length <= 5);
      const [{ start, end }] = needles!;
      assert.equal(occurrences(parts.context.slice(start, end), references[0]), 2);
      assert.equal(parts.context.replace(/[^\d]/g, ""), references[0].repeat(2));
      const lines = parts.context.split("\n").slice(2, -1);
      assert.equal(
        lines.findIndex((line) => /\d/.test(line)),
        Math.round(depth! * (lines.length - 1)),
      );
    }
    assert.ok(
      drafts.every(
        ({ references }, i) =>
          task.score(drafts[(i + 1) % 33].references[0], golden(drafts[i], [...references])).score === 0,
      ),
    );
  }
});

test("a pass key is right as the first run of digits", () => {
  const draft = golden(samplesOf(passkey, 512, 1)[0], ["01234"]);
  const score = (output: string) => passkey.score(output, draft).score;
  assert.deepEqual(
    [" 01234. Remember it.", "is01234", "1234", "012345", "1. 01234", "none"].map(score),
    [1, 1, 0, 0, 0, 0],
  );
});

test("key-value: one line of JSON holds the pair at its span; a value is right as a word of the answer", () => {
  for (const draft of samplesOf(keyValue, 2048, 11)) {
    const { context, question } = draft.parts;
    const json = context.split("JSON data:\n")[1];
    const key = /^\n\n\nKey: "(.{36})"\nThe value associated with the specified key is:$/.exec(question)![1];
    const [{ start, end }] = draft.needles!;
    assert.equal(JSON.parse(json)[key], draft.references[0]);
    assert.equal(context.slice(start, end), `"${key}": "${draft.references[0]}"`);
    assert.equal(keyValue.score(`"${draft.references[0]}".`, draft).score, 1);
    assert.equal(keyValue.score(`${draft.references[0]}0`, draft).score, 0);
    assert.equal(keyValue.score(key, draft).score, 0);
  }
});

test("math find: the answer agrees with the sorted list for all seven questions, and its bound varies", () => {
  const drafts = samplesOf(mathFind, 1024, 70);
  const largest = new Set<string>();
  for (const draft of drafts) {
    const [, asked] = /the (.*) from the list below:\n/.exec(draft.parts.context)!;
    assert.ok(draft.parts.question.endsWith(`The ${asked} of the list is:`));
    const numbers: number[] = JSON.parse(/\[.*\]/.exec(draft.parts.context)![0]).sort((a: number, b: number) => a - b);
    const rising = numbers.filter((n, i) => n !== numbers[i - 1]);
    const median = (numbers[Math.ceil(numbers.length / 2) - 1] + numbers[Math.floor(numbers.length / 2)]) / 2;
    const expected: Record<string, number | undefined> = {
      "largest number": rising.at(-1),
      "second largest number": rising.at(-2),
      "third largest number": rising.at(-3),
      "smallest number": rising[0],
      "second smallest number": rising[1],
      "third smallest number": rising[2],
      "median number": median,
    };
    assert.equal(draft.references[0], String(expected[asked]), asked);
    assert.equal(mathFind.score(` ${draft.references[0]}.`, draft).score, 1);
    assert.equal(mathFind.score(` ${Number(draft.references[0]) + 1}`, draft).score, 0);
    if (asked === "largest number") largest.add(draft.references[0]);
  }
  assert.ok(largest.size >= 4, [...largest].join());
});

test("a median between two numbers is right with its half only", () => {
  const draft = golden(samplesOf(mathFind, 512, 1)[0], ["49.5"]);
  assert.deepEqual(
    ["49.5", "it is 49.50", "49", "50"].map((output) => mathFind.score(output, draft).score),
    [1, 1, 0, 0],
  );
});

test("code run: following the calls by the text gives the answer after 2, 4, 6, 8 and 10 of them, at the spans", () => {
  for (const [index, draft] of samplesOf(codeRun, 2048, 20).entries()) {
    const { context, question } = draft.parts;
    const bodies = new Map(
      Array.from(
        context.matchAll(/^def func_(\d+)\(x\):\n {4}return (?:func_(\d+)\(x\)|x)(?: ([+-]) (\d+))?$/gm),
        (match) => [match[1], match],
      ),
    );
    assert.equal(bodies.size, occurrences(context, "def "));
    const [, head, argument] = /func_(\d+)\((-?\d+)\)/.exec(question)!;
    let value = Number(argument);
    const visited: string[] = [];
    for (let at: string | undefined = head; at !== undefined; ) {
      const [text, , callee, sign = "+", addend = "0"]: RegExpMatchArray = bodies.get(at)!;
      visited.push(text);
      value += Number(sign + addend);
      at = callee;
    }
    assert.equal(draft.references[0], `${value}`);
    assert.equal(visited.length, [2, 4, 6, 8, 10][index % 5]);
    assert.deepEqual(
      draft.needles!.map(({ start, end }) => context.slice(start, end)),
      visited,
    );
    assert.equal(codeRun.score(`The final returned value is \`${value}\`.`, draft).score, 1);
    assert.equal(codeRun.score(`${value} or ${value + 1}`, draft).score, 0);
  }
});
