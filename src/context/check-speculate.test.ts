import assert from "node:assert/strict";
import { test } from "node:test";
import { checkPlan } from "./check.ts";
import { parsePlan } from "./plan.ts";

function notes(plan: object): readonly string[] {
  const { problems, notes } = checkPlan(parsePlan(plan));
  assert.deepEqual(problems, []);
  return notes.filter((note) => note.startsWith("Speculate"));
}

test("what leaves no step of several tokens is named, and what leaves one is not", () => {
  const speculate = "prompt-lookup";
  const dropping = { budget: 512, schedule: { method: "every-n", every: 64 } };
  for (const [plan, reason] of [
    [{ position: { method: "self-extend" } }, /"prompt-lookup" has no effect beside position "self-extend"/],
    [{ cache: { ...dropping, score: "snapkv" } }, /beside score "snapkv"/],
    [{ cache: { ...dropping, score: "expected-attention" } }, /beside score "expected-attention"/],
  ] as const) {
    const [note, ...more] = notes({ ...plan, speculate });
    assert.match(note, reason);
    assert.deepEqual(more, []);
    assert.deepEqual(notes(plan), []);
  }
  assert.match(notes({ speculate: "self-speculate" })[0], /"self-speculate" has no effect beside decode "full"/);
  assert.deepEqual(notes({ speculate: "self-speculate", decode: "page-topk" }), []);
  for (const plan of [{}, { position: { method: "yarn", factor: 4 } }, { cache: { ...dropping, score: "key-diff" } }])
    assert.deepEqual(notes({ ...plan, speculate }), []);
});
