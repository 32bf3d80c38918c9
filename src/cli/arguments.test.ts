import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { defaultPlan } from "../context/plan.ts";
import {
  decimalNumber,
  planArgument,
  planOrAutoArgument,
  readTokenIds,
  threadCount,
  wholeNumber,
  wholeNumbers,
} from "./arguments.ts";

const folder = mkdtempSync(join(tmpdir(), "longspan-arguments-"));

function fileWith(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test("a whole number has only digits and is at least the minimum", () => {
  assert.equal(wholeNumber("--runs", 1)("1"), 1);
  assert.equal(wholeNumber("--seed", 0)("0"), 0);
  for (const text of ["0", "-1", "1.5", "1e3", "0x10", "", " 7", "seven", "99999999999999999999"])
    assert.throws(() => wholeNumber("--runs", 1)(text), {
      name: "InputError",
      message: `--runs: expected a whole number of at least 1, got "${text}". Write for example --runs 8.`,
    });
});

test("a whole number is at most the maximum, where there is one", () => {
  assert.equal(wholeNumber("--chunk", 1, 512)("512"), 512);
  assert.throws(() => wholeNumber("--chunk", 1, 512)("513"), {
    message: '--chunk: expected a whole number from 1 to 512, got "513". Write for example --chunk 8.',
  });
});

test("a decimal number lies between its bounds, both included", () => {
  const topP = decimalNumber("--top-p", 0, 1);
  assert.deepEqual(["0", "1", "0.25", "1e-1"].map(topP), [0, 1, 0.25, 0.1]);
  for (const text of ["1.01", "-0.1", "", "half", "NaN", "Infinity"])
    assert.throws(() => topP(text), /--top-p: expected/);
});

test("lists of numbers come back in ascending order", () => {
  assert.deepEqual(wholeNumbers("--prompt-tokens", 1)("8192, 512,2048"), [512, 2048, 8192]);
  assert.throws(() => wholeNumbers("--prompt-tokens", 1)("512,,8"), /--prompt-tokens: expected a whole number/);
});

test("threads are at most the cores that the process may use, and the error names both numbers", () => {
  const cores = availableParallelism();
  assert.equal(threadCount(String(cores)), cores);
  assert.throws(() => threadCount(String(cores + 1)), {
    name: "InputError",
    message: new RegExp(`at most ${cores} \\(the cores.*got ${cores + 1}\\. Pass --threads ${cores}`),
  });
});

test("a plan comes inline or from a file, and both are completed with the defaults", () => {
  const plan = { ...defaultPlan, cache: { ...defaultPlan.cache, format: "f32" } };
  assert.deepEqual(planArgument('{"cache":{"format":"f32"}}'), plan);
  assert.deepEqual(planArgument(fileWith("plan.json", ' {"cache": {"format": "f32"}}')), plan);
});

test("an unusable plan is an InputError that says what is wrong with it", () => {
  assert.throws(() => planArgument("{nonsense"), /^InputError: --plan: expected JSON, got text that is none/);
  assert.throws(() => planArgument(join(folder, "none.json")), /^InputError: --plan: .*none\.json": no such file/);
  assert.throws(() => planArgument(fileWith("key.json", '{"cash":{}}')), /^InputError: plan: .*"cash"/);
});

test('"auto" is a plan only where the prompt is known beforehand, and the refusal says how to see it', () => {
  assert.equal(planOrAutoArgument("auto"), "auto");
  assert.deepEqual(planOrAutoArgument("exact"), defaultPlan);
  assert.throws(() => planArgument("auto"), /^InputError: --plan: .*got "auto": .*longspan plans check auto --model/);
});

test("token ids are a non-empty JSON array of whole numbers below the vocabulary size", () => {
  assert.deepEqual(readTokenIds(fileWith("ids.json", "[0, 99, 5]"), 100), Int32Array.of(0, 99, 5));
  const wrong: [text: string, message: RegExp][] = [
    ["[]", /got an empty one/],
    ['{"ids":[1]}', /got a JSON object/],
    ["[1, 2", /expected JSON/],
    ["[1, 100]", /element 1: expected a token id from 0 to 99, got 100/],
    ["[1, -1]", /element 1: .*got -1/],
    ["[1.5]", /element 0: .*got 1\.5/],
    ['["1"]', /element 0: .*got "1"/],
  ];
  for (const [text, message] of wrong)
    assert.throws(() => readTokenIds(fileWith("wrong.json", text), 100), { name: "InputError", message });
  assert.throws(() => readTokenIds(folder, 100), /it cannot be read \(EISDIR\)/);
});
