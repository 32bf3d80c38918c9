import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../../runtime/errors.ts";
import { builtInHaystack } from "../haystack.ts";
import { createCell, samplesOf } from "../run/samples.ts";
import { tiers } from "../tiers.ts";
import type { Parts } from "../types.ts";
import { findTasks, tasks } from "./registry.ts";

const source = { seed: 42, haystack: builtInHaystack(), files: new Map<string, string>() };
const count = (text: string) => Math.ceil(text.length / 4);
const counter = {
  promptTokens: ({ context, question, answerPrefix = "" }: Parts) => count(context + question + answerPrefix),
  countTokens: count,
};
const ownTasks = tasks.filter(({ needsFile }) => needsFile === undefined);
/** Their sizes are fixed, or they have no text to fill a length with. */
const notFilled = /^(kv_75|kv_140|kv_300|needle_no_context|rag_(closed|oracle|bm25_\d+)|out_.*)$/;

test("ids are unique, and every task says where it comes from and under which licence", () => {
  assert.equal(new Set(tasks.map(({ id }) => id)).size, tasks.length);
  for (const { id, summary, source, license, family } of tasks)
    assert.ok(
      [summary, source, license, family].every((text) => text.length > 2),
      id,
    );
});

test("every task that needs no file fills 0.98 to 1 of 8,000 tokens, and gives nothing for no answer", () => {
  for (const task of ownTasks) {
    const sample = samplesOf(task, createCell(counter, task, 8000, 3, source))(1);
    const fill = (sample.promptTokens + sample.maxTokens) / sample.length;
    // The harness's fwe exceeds the length by its answer, which is one of its deviations.
    const most = task.id === "lmeval_fwe" ? 1.01 : 1;
    assert.ok(fill <= most && (fill > 0.98 || notFilled.test(task.id)), `${task.id}: ${fill}`);
    const { context } = sample.parts;
    for (const { start, end } of sample.needles ?? [])
      assert.ok(start >= 0 && start < end && end <= context.length, task.id);
    assert.equal(task.score("", sample).score, 0, `${task.id}: an empty answer scores`);
  }
});

test("tasks are found by id and by family; families leave out what needs a file that is not given", () => {
  assert.deepEqual(
    findTasks(["vt"], new Map()).map(({ id }) => id),
    ["vt"],
  );
  assert.equal(findTasks(["ruler"], new Map()).length, 11);
  assert.equal(findTasks(["ruler"], new Map([["squad", "x"]])).length, 12);
  assert.throws(
    () => findTasks(["niah"], new Map()),
    (error) => error instanceof InputError && /did you mean niah_single_1/.test(error.message),
  );
  for (const { tasks: names } of Object.values(tiers)) assert.ok(findTasks(names, new Map()).length > 0);
});
