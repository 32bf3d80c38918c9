/** What the rows of one run say: scores by task and length with their intervals, means, effective lengths, depths. */
import { createRandom } from "../random.ts";
import { areaScore, effectiveLengths } from "../statistics/effective-length.ts";
import { meanInterval } from "../statistics/mean-interval.ts";
import { meanOfEstimates } from "../statistics/mover.ts";
import type { Row } from "../types.ts";
import { depthsOf } from "./depths.ts";
import { bySample, distinct, onlyMode, totalsOf } from "./rows.ts";
import type { CellSummary, FamilySummary, MacroSummary, Summary, TaskSummary } from "./types.ts";

/** Summary of rows of one prompt mode, each sample once. Rows with a cut prompt are counted, and left out of all else. */
export function summarize(rows: readonly Row[]): Summary {
  const mode = onlyMode("summary", rows);
  bySample("summary", rows);
  return {
    mode,
    lengths: distinct(rows.map(({ length }) => length)).sort((a, b) => a - b),
    families: distinct(rows.map(({ family }) => family)).map((family) =>
      familySummary(
        family,
        rows.filter((row) => row.family === family),
      ),
    ),
    totals: totalsOf(rows),
  };
}

function familySummary(family: string, rows: readonly Row[]): FamilySummary {
  const tasks = distinct(rows.map(({ task }) => task)).map((task) =>
    taskSummary(rows.filter((row) => row.task === task)),
  );
  const controls = new Set(rows.filter(({ isControl }) => isControl).map(({ task }) => task));
  const macros = macrosOf(tasks.filter(({ task }) => !controls.has(task)));
  // A mean over other tasks is another quantity: only complete lengths make a curve.
  const curve = macros.filter(({ missing }) => missing.length === 0);
  return {
    family,
    tasks,
    macros,
    // One length alone says nothing about how far a model reaches.
    effectiveLengths: curve.length > 1 ? effectiveLengths(curve) : [],
    ...(curve.length > 1 && { areaScore: areaScore(curve) }),
  };
}

function taskSummary(rows: readonly Row[]): TaskSummary {
  const lengths = distinct(rows.map(({ length }) => length)).sort((a, b) => a - b);
  return {
    task: rows[0].task,
    family: rows[0].family,
    cells: lengths.map((length) => cellSummary(rows.filter((row) => row.length === length))),
    ...depthsOf(rows.filter(({ truncated }) => !truncated)),
  };
}

function cellSummary(rows: readonly Row[]): CellSummary {
  const { family, task, length, mode } = rows[0];
  const counted = rows.filter(({ truncated }) => !truncated);
  const { samples, truncated, promptTokens, cachedTokens, outputTokens, seconds } = totalsOf(rows);
  const mean = (of: (row: Row) => number, among: readonly Row[]) =>
    among.length === 0 ? 0 : among.reduce((sum, row) => sum + of(row), 0) / among.length;
  const names = distinct(counted.flatMap(({ scores }) => Object.keys(scores)));
  return {
    family,
    task,
    length,
    mode,
    n: samples,
    truncated,
    ...(samples > 0 && scored(counted)),
    scores: Object.fromEntries(
      names.map((name) => [
        name,
        mean(
          ({ scores }) => scores[name],
          counted.filter(({ scores }) => name in scores),
        ),
      ]),
    ),
    fill: mean(({ fill }) => fill, counted),
    promptTokens,
    cachedTokens,
    outputTokens,
    seconds,
    cachedShare: promptTokens === 0 ? 0 : cachedTokens / promptTokens,
  };
}

function scored(rows: readonly Row[]): Pick<CellSummary, "score" | "interval" | "method"> {
  const { mean, interval, method } = meanInterval(
    rows.map(({ score, group }) => ({ value: score, group })),
    createRandom("summary", rows[0].task, rows[0].length),
  );
  return { score: mean, interval, method };
}

function macrosOf(tasks: readonly TaskSummary[]): MacroSummary[] {
  const lengths = distinct(tasks.flatMap(({ cells }) => cells.map(({ length }) => length))).sort((a, b) => a - b);
  return lengths.flatMap((length) => {
    const estimates = [];
    const missing = [];
    for (const { task, cells } of tasks) {
      const cell = cells.find((cell) => cell.length === length);
      if (cell?.score === undefined || cell.interval === undefined) missing.push(task);
      else estimates.push({ value: cell.score, interval: cell.interval });
    }
    if (estimates.length === 0) return [];
    const { value: score, interval } = meanOfEstimates(estimates);
    return [{ length, tasks: estimates.length, missing, score, interval }];
  });
}
