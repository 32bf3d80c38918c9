import assert from "node:assert/strict";
import { test } from "node:test";
import { evalRow, evalRows, shares } from "../../../test/support/eval-rows.ts";
import { mcnemar } from "../statistics/paired.ts";
import { compareRuns, worse } from "./index.ts";

const close = (got: number, expected: number, bound: number) => {
  assert.ok(Math.abs(got - expected) <= bound, `expected ${expected} ± ${bound}, got ${got}`);
};

test("the same samples are paired in whatever order they come; p is McNemar's, and Holm multiplies the smallest by 2", () => {
  const a = [...evalRows(shares(50, 60)), ...evalRows(shares(30, 60), { length: 8192 })];
  const b = [...evalRows(shares(30, 60), { length: 8192 }), ...evalRows(shares(35, 60))].reverse();
  const { cells, macros, paired, leftOut } = compareRuns(a, b);
  assert.equal(paired, 120);
  assert.deepEqual(leftOut, { differentPrompt: 0, onlyInA: 0, onlyInB: 0, truncated: 0 });
  const [short, long] = cells;
  close(short.difference, -0.25, 1e-12);
  assert.deepEqual(
    [short.length, short.wins, short.losses, short.test, short.verdict],
    [4096, 0, 15, "mcnemar", "worse"],
  );
  close(short.p, 2 ** -14, 1e-12);
  close(short.adjustedP, 2 ** -13, 1e-12);
  assert.ok(short.interval.low < -0.25 && short.interval.high < 0);
  assert.deepEqual([long.difference, long.p, long.adjustedP, long.verdict], [0, 1, 1, "no real difference"]);
  assert.ok(long.interval.low < 0 && long.interval.high > 0);
  assert.equal(macros[0].verdict, "worse");
});

test("a difference that is nothing among many lines is not real: p 0.031 is real alone, not beside another line", () => {
  const better = (length: number) => ({
    a: evalRows(shares(10, 20), { length }),
    b: evalRows(shares(16, 20), { length }),
  });
  const alone = better(4096);
  const [cell] = compareRuns(alone.a, alone.b).cells;
  close(cell.p, mcnemar(6, 0), 1e-12);
  assert.equal(cell.verdict, "better");
  const same = evalRows(shares(10, 20), { length: 8192 });
  assert.equal(compareRuns([...alone.a, ...same], [...alone.b, ...same]).cells[0].verdict, "no real difference");
});

test("many small losses over tasks are real in the mean, where no task is by itself", () => {
  const tasks = ["niah_single_1", "niah_single_2", "niah_multikey_1", "vt", "cwe", "fwe"];
  const run = (right: number) => tasks.flatMap((task) => evalRows(shares(right, 25), { task }));
  const { cells, macros } = compareRuns(run(22), run(18));
  assert.ok(cells.every(({ verdict }) => verdict === "no real difference"));
  const [macro] = macros;
  assert.deepEqual([macro.verdict, macro.tasks, macro.n], ["worse", 6, 150]);
  close(macro.difference, -4 / 25, 1e-12);
  assert.ok(macro.interval.high < 0);
});

test("fractions, and answers about one context, are tested by signs of groups", () => {
  const fractions = compareRuns(evalRows([1, 0.5, 0.75, 1]), evalRows([1, 0.25, 0.5, 1])).cells[0];
  assert.deepEqual([fractions.test, fractions.p, fractions.losses], ["sign-flip", 0.5, 2]);
  // 40 lost answers about two contexts: two signs, p = 1/2.
  const about = (score: number) =>
    Array.from({ length: 40 }, (_, index) => evalRow({ index, score, group: String(index % 2) }));
  const clustered = compareRuns(about(1), about(0)).cells[0];
  assert.deepEqual([clustered.test, clustered.p, clustered.verdict], ["sign-flip", 0.5, "no real difference"]);
});

test("only equal prompts are compared, and all that is left out is counted", () => {
  const a = evalRows(shares(6, 6));
  const b = [
    evalRow({ index: 0, score: 0 }),
    evalRow({ index: 1, score: 0, promptHash: "other" }),
    evalRow({ index: 2, score: 0, truncated: true }),
    evalRow({ index: 9, score: 0 }),
  ];
  const comparison = compareRuns(a, b);
  assert.equal(comparison.paired, 1);
  assert.deepEqual(comparison.leftOut, { differentPrompt: 1, onlyInA: 3, onlyInB: 1, truncated: 1 });
  assert.deepEqual([comparison.cells[0].a, comparison.cells[0].b, comparison.cells[0].n], [1, 0, 1]);
  assert.deepEqual([comparison.a.samples, comparison.b.samples], [1, 1]);
});

test("runs without a common prompt, or of different modes, are refused with the reason", () => {
  assert.throws(() => compareRuns(evalRows([1, 1]), evalRows([1, 1], { promptHash: "other" })), {
    name: "InputError",
    message:
      "compare: expected samples with the same prompt in both runs, got none (2 have another prompt, 0 are only in the first run, 0 only in the second, 0 were cut). Run both with the same tasks, lengths, seed and haystack, on models with the same tokenizer and chat template.",
  });
  assert.throws(() => compareRuns(evalRows([1]), evalRows([1], { mode: "chat" })), {
    name: "InputError",
    message: /^compare: expected results of one prompt mode, got raw and chat/,
  });
  assert.throws(() => compareRuns(evalRows([1]), []), { name: "InputError", message: /at least one sample, got none/ });
  assert.throws(() => compareRuns([evalRow(), evalRow()], evalRows([1])), {
    message: /^compare: first run: expected one result of sample/,
  });
});

test("worse lists what is really worse by more than so many points: 25 is more than 24.9, not than 25", () => {
  const comparison = compareRuns(evalRows(shares(50, 60)), evalRows(shares(35, 60)));
  assert.equal(worse(comparison, 0).length, 2);
  assert.equal(worse(comparison, 24.9).length, 2);
  assert.equal(worse(comparison, 25).length, 0);
  const better = compareRuns(evalRows(shares(35, 60)), evalRows(shares(50, 60)));
  assert.deepEqual(worse(better, 0), []);
  const noise = compareRuns(evalRows(shares(4, 5)), evalRows(shares(1, 5)));
  assert.deepEqual(worse(noise, 0), [], "60 points on 5 samples");
});
