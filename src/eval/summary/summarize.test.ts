import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evalRow, evalRows, shares } from "../../../test/support/eval-rows.ts";
import { wilson } from "../statistics/wilson.ts";
import { summarize } from "./index.ts";

const close = (got: number | undefined, expected: number, bound: number) => {
  assert.ok(got !== undefined && Math.abs(got - expected) <= bound, `expected ${expected} ± ${bound}, got ${got}`);
};

test("a cell has its mean, Wilson's interval, tokens, seconds and cached share", () => {
  const usage = { promptTokens: 4000, cachedTokens: 1000, outputTokens: 10, seconds: 1.5 };
  const summary = summarize(evalRows(shares(20, 25), { usage, fill: 0.995 }));
  const [cell] = summary.families[0].tasks[0].cells;
  const { fill, ...others } = cell;
  close(fill, 0.995, 1e-12);
  assert.deepEqual(others, {
    family: "ruler",
    task: "niah_single_1",
    length: 4096,
    mode: "raw",
    n: 25,
    truncated: 0,
    score: 0.8,
    interval: wilson(0.8, 25),
    method: "wilson",
    scores: { score: 0.8 },
    promptTokens: 100_000,
    cachedTokens: 25_000,
    outputTokens: 250,
    seconds: 37.5,
    cachedShare: 0.25,
  });
  assert.deepEqual(summary.totals, {
    samples: 25,
    truncated: 0,
    fromCache: 0,
    promptTokens: 100_000,
    cachedTokens: 25_000,
    outputTokens: 250,
    seconds: 37.5,
  });
});

test("a cut prompt is counted and left out of all else", () => {
  const rows = [...evalRows([1, 1, 0]), evalRow({ index: 3, score: 0, truncated: true, depth: 0.5 })];
  const { families, totals } = summarize(rows);
  const [task] = families[0].tasks;
  assert.deepEqual([task.cells[0].n, task.cells[0].truncated], [3, 1]);
  close(task.cells[0].score, 2 / 3, 1e-12);
  assert.equal(task.depths, undefined);
  assert.deepEqual([totals.samples, totals.truncated, totals.outputTokens], [3, 1, 24]);
});

test("a cell with nothing but cut prompts has no score, and its length no complete mean", () => {
  const { families } = summarize([
    ...evalRows([1, 1]),
    ...evalRows([1, 0], { task: "vt" }),
    ...evalRows([1, 1], { length: 8192 }),
    ...evalRows([0, 0], { task: "vt", length: 8192, truncated: true }),
  ]);
  const [family] = families;
  assert.equal(family.tasks[1].cells[1].score, undefined);
  assert.deepEqual(
    family.macros.map(({ length, score, tasks, missing }) => ({ length, score, tasks, missing })),
    [
      { length: 4096, score: 0.75, tasks: 2, missing: [] },
      { length: 8192, score: 1, tasks: 1, missing: ["vt"] },
    ],
  );
  // One complete length is left, which says nothing about reach.
  assert.deepEqual(family.effectiveLengths, []);
  assert.equal(family.areaScore, undefined);
});

test("controls are scored, and left out of the family's means", () => {
  const control = evalRows([0, 0], { task: "no_context" }).map((row) => ({ ...row, isControl: true as const }));
  const [family] = summarize([...evalRows([1, 1]), ...control]).families;
  assert.equal(family.tasks.length, 2);
  assert.deepEqual(
    family.macros.map(({ score, tasks }) => ({ score, tasks })),
    [{ score: 1, tasks: 1 }],
  );
});

test("a mean over tasks weighs tasks alike, whatever their numbers of samples, and is surer than one task", () => {
  const [family] = summarize([...evalRows(shares(45, 50)), ...evalRows(shares(6, 10), { task: "vt" })]).families;
  close(family.macros[0].score, 0.75, 1e-12);
  const { low, high } = family.macros[0].interval;
  const vt = wilson(0.6, 10);
  assert.ok(high - low < vt.high - vt.low);
});

test("families, effective lengths and the area are taken by family", () => {
  const lengths = [1024, 2048, 4096];
  const rows = lengths.flatMap((length, i) => [
    ...evalRows(shares([20, 18, 10][i], 20), { length }),
    ...evalRows(shares(20, 20), { length, family: "needle", task: "needle_random" }),
  ]);
  const summary = summarize([...rows].reverse());
  assert.deepEqual(summary.lengths, lengths);
  const ruler = summary.families.find(({ family }) => family === "ruler")!;
  const needle = summary.families.find(({ family }) => family === "needle")!;
  assert.deepEqual(
    ruler.effectiveLengths.map(({ rule, tested, open }) => [rule, tested, open]),
    [
      ["absolute", 2048, false],
      ["relative", 2048, false],
      ["statistical", 1024, false],
    ],
  );
  close(ruler.areaScore, (0.95 + 0.7) / 2, 1e-12);
  assert.deepEqual([needle.effectiveLengths[0].open, needle.areaScore], [true, 1]);
});

test("depths make a table by length and bin, and a bias over all lengths", () => {
  const depths = [0, 0.25, 0.5, 0.75, 1];
  const rows = [1024, 2048].flatMap((length) =>
    depths.flatMap((depth, d) =>
      shares(depth === 0.5 ? 1 : 4, 4).map((score, i) => evalRow({ length, depth, score, index: 4 * d + i })),
    ),
  );
  // One length has no sample at one depth.
  const [task] = summarize(rows.filter(({ length, depth }) => length !== 2048 || depth !== 0.25)).families[0].tasks;
  assert.deepEqual(task.depths?.lengths, [1024, 2048]);
  assert.deepEqual(
    task.depths?.bins.map(({ low }) => low),
    depths,
  );
  assert.deepEqual(
    task.depths?.cells.map((row) => row.map(({ n, score }) => [n, score])),
    [
      [
        [4, 1],
        [4, 1],
      ],
      [
        [4, 1],
        [0, undefined],
      ],
      [
        [4, 0.25],
        [4, 0.25],
      ],
      [
        [4, 1],
        [4, 1],
      ],
      [
        [4, 1],
        [4, 1],
      ],
    ],
  );
  assert.deepEqual(task.depths?.cells[2][0].interval, wilson(0.25, 4));
  assert.equal(task.positionBias?.u, 0.75);
  assert.ok(task.positionBias.p < 0.01);
});

test("further scores are means over the rows that have them", () => {
  const [cell] = summarize([
    evalRow({ scores: { score: 1, f1: 0.5 } }),
    evalRow({ index: 1, scores: { score: 1, f1: 1 } }),
    evalRow({ index: 2, scores: { score: 1 } }),
  ]).families[0].tasks[0].cells;
  assert.deepEqual(cell.scores, { score: 1, f1: 0.75 });
});

test("modes are never mixed, samples never counted twice, and nothing is no summary", () => {
  assert.throws(() => summarize([evalRow(), evalRow({ index: 1, mode: "chat" })]), {
    name: "InputError",
    message:
      "summary: expected results of one prompt mode, got raw and chat, whose scores are not comparable. Look at each mode by itself.",
  });
  assert.throws(() => summarize([evalRow(), evalRow()]), {
    name: "InputError",
    message: /^summary: expected one result of sample niah_single_1\/4096\/0, got several\. /,
  });
  assert.throws(() => summarize([]), { name: "InputError", message: /^summary: expected results of at least one/ });
});

test("a summary of any rows is plain JSON, counts every row once, and has its intervals within 0 to 1", () => {
  const sample = fc.record({
    length: fc.constantFrom(1024, 2048, 4096),
    task: fc.constantFrom("vt", "cwe"),
    score: fc.constantFrom(0, 0.25, 0.5, 1),
    group: fc.constantFrom("a", "b", "c", "d", "e", "f"),
    depth: fc.constantFrom(undefined, 0, 0.1, 0.5, 0.9, 1),
    truncated: fc.constantFrom(undefined, undefined, true as const),
  });
  fc.assert(
    fc.property(fc.array(sample, { minLength: 1, maxLength: 40 }), (samples) => {
      const summary = summarize(samples.map((row, index) => evalRow({ ...row, index })));
      const text = JSON.stringify(summary);
      assert.ok(!text.includes("null"), "NaN or a hole");
      const cells = summary.families.flatMap(({ tasks }) => tasks.flatMap(({ cells }) => cells));
      assert.equal(
        cells.reduce((sum, { n, truncated }) => sum + n + truncated, 0),
        samples.length,
      );
      for (const { score, interval } of cells)
        if (score !== undefined) assert.ok(interval && 0 <= interval.low && interval.high <= 1);
    }),
    { numRuns: 30 },
  );
});
