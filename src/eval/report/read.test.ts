import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type MadeUpRun, madeUpRun } from "../../../test/support/evaluation-runs.ts";
import { temporaryFolder } from "../../../test/support/sessions.ts";
import { parsePlan } from "../../context/plan.ts";
import { InputError } from "../../runtime/errors.ts";
import type { RunInfo } from "../types.ts";
import type { ReportRun } from "./html/index.ts";
import { readReport, readReportPage } from "./read.ts";
import { writeReport } from "./write.ts";

const small: MadeUpRun = { lengths: [1024, 4096], samples: 3 };

/** As `longspan eval run` leaves it, but for the report. */
function keep(changes: Partial<RunInfo> = {}, of: MadeUpRun = small): ReportRun & { folder: string } {
  const run = madeUpRun(of);
  const folder = join(temporaryFolder(), "run");
  mkdirSync(folder);
  writeFileSync(join(folder, "run.json"), JSON.stringify({ ...run.info, ...changes }));
  writeFileSync(join(folder, "results.jsonl"), run.rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return { ...run, folder };
}

test("a finished run comes with its summary, its page, and means over tasks that are those of its rows within 1e-12", () => {
  const { folder, rows, summary } = keep();
  writeReport([folder]);
  const report = readReport(folder);
  assert.deepEqual(report.summary, JSON.parse(JSON.stringify(summary)));
  assert.deepEqual([report.state, report.hasPage, report.answered, report.asked], ["finished", true, 48, 48]);
  for (const { length, tasks, score } of report.means) {
    const here = rows.filter((row) => row.length === length);
    const means = [...new Set(here.map(({ task }) => task))].map((task) => {
      const own = here.filter((row) => row.task === task);
      return own.reduce((sum, row) => sum + row.score, 0) / own.length;
    });
    assert.equal(tasks, 8);
    assert.ok(Math.abs(score - means.reduce((sum, mean) => sum + mean, 0) / 8) < 1e-12);
  }
  assert.deepEqual(
    report.means.map(({ length }) => length),
    [1024, 4096],
  );
  assert.match(Buffer.from(readReportPage(folder)!).toString(), /^<!doctype html>/);
});

test("a run that was killed, before its report or when it went on after it, is unfinished and has no table and no page", () => {
  const { folder, rows } = keep({ samples: { 1024: 3, 4096: 4 } });
  const states = () => {
    const { state, summary, means, hasPage, answered, asked } = readReport(folder);
    assert.deepEqual({ summary, means, hasPage, asked }, { summary: null, means: [], hasPage: false, asked: 56 });
    return [state, answered];
  };
  assert.deepEqual(states(), ["unfinished", 48]);
  appendFileSync(join(folder, "results.jsonl"), '{"key": "a part of a li');
  assert.deepEqual(states(), ["unfinished", 48]);
  const { folder: resumed } = keep();
  writeReport([resumed]);
  appendFileSync(join(resumed, "results.jsonl"), `${JSON.stringify({ ...rows[0], index: 3 })}\n`);
  assert.deepEqual([readReport(resumed).state, readReport(resumed).hasPage], ["unfinished", false]);
  rmSync(join(folder, "results.jsonl"));
  assert.deepEqual(states(), ["unfinished", 0]);
  assert.equal(readReportPage(folder), undefined);
});

test("samples with a cut prompt count as answers", () => {
  const { folder } = keep({}, { ...small, change: (row) => (row.index === 0 ? { ...row, truncated: true } : row) });
  writeReport([folder]);
  assert.deepEqual([readReport(folder).state, readReport(folder).answered], ["finished", 48]);
});

test("a folder without run.json, and files that are no JSON, are errors that name the file", () => {
  assert.throws(() => readReport(temporaryFolder()), InputError);
  for (const [name, message] of [
    ["run.json", /^run\.json: expected JSON/],
    ["summary.json", /^summary\.json: expected JSON/],
    ["results.jsonl", /results\.jsonl: line 1: expected JSON/],
  ] as const) {
    const { folder } = keep();
    writeFileSync(join(folder, name), '{"cut\n');
    assert.throws(() => readReport(folder), { name: "InputError", message });
  }
});

test("a plan is called by what it says beyond the default, also one from before the plan had all its axes", () => {
  const nameOf = (plan: unknown) => readReport(keep({ plan }).folder).planName;
  assert.equal(nameOf(parsePlan({})), "exact");
  assert.equal(nameOf({ position: { method: "rope" } }), "exact");
  assert.equal(nameOf(parsePlan({ cache: { format: "f32" } })), "cache.format f32");
  assert.equal(
    nameOf(parsePlan({ cache: { score: "snapkv", budget: 2048 } })),
    "cache.score snapkv · cache.budget 2048",
  );
  assert.equal(nameOf(undefined), null);
});
