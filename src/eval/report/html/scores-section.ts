/** Tasks by lengths: a table a run and family, with the mean over tasks as its last row. */
import type { CellSummary, MacroSummary } from "../../summary/types.ts";
import { formatInterval, formatLength, formatPercent, formatScore, formatSeconds } from "../charts/numbers.ts";
import { findCell, findFamily, findMacro, type NamedRun } from "./runs.ts";
import type { Section } from "./section.ts";
import { type ScoreCell, type ScoreRow, scoreTable } from "./table.ts";

export function scoresSection(runs: readonly NamedRun[]): Section {
  const tables = runs.flatMap((run) =>
    run.summary.families.map(({ family }) => {
      const caption = [run.summary.families.length > 1 ? family : "", runs.length > 1 ? run.name : ""];
      return taskTable(run, family, caption.filter((part) => part !== "").join(", ") || "By task and context length");
    }),
  );
  return {
    id: "scores",
    title: "Scores by task",
    lead: "Each cell is a mean over its samples with its 95% interval; point at it for their number, the tokens and the time.",
    content: tables.join(""),
  };
}

function taskTable(run: NamedRun, family: string, caption: string): string {
  const { lengths } = run.summary;
  const { tasks, macros } = findFamily(run, family)!;
  const used = lengths.filter((length) => tasks.some((task) => task.cells.some((cell) => cell.length === length)));
  const rows: ScoreRow[] = tasks.map(({ task }) => ({
    name: task,
    cells: used.map((length) => taskCell(findCell(run, family, task, length))),
  }));
  if (tasks.length > 1 && macros.length > 0)
    rows.push({
      name: "mean",
      isMean: true,
      cells: used.map((length) => macroCell(findMacro(run, family, length))),
    });
  return scoreTable(caption, "Task", used, rows);
}

function taskCell(cell: CellSummary | undefined): ScoreCell | undefined {
  if (cell?.score === undefined) return undefined;
  const { task, length, n, score, interval, method, scores, fill, promptTokens, seconds, truncated } = cell;
  const lines = [
    `${task} at ${formatLength(length)}: ${formatScore(score)}, n = ${n}`,
    interval && `95% interval ${formatInterval(interval.low, interval.high)} (${method})`,
    ...Object.entries(scores)
      .filter(([name]) => name !== "score")
      .map(([name, value]) => `${name}: ${Number(value.toFixed(3))}`),
    `${Math.round(promptTokens / n)} prompt tokens, length used to ${formatPercent(fill)}`,
    `${formatSeconds(seconds / n)} a sample`,
    truncated > 0 && `${truncated} more with a cut prompt`,
  ];
  return { score, interval, title: lines.filter(Boolean).join("\n") };
}

export function macroCell(macro: MacroSummary | undefined): ScoreCell | undefined {
  if (!macro) return undefined;
  const { length, score, interval, tasks, missing } = macro;
  const gap = missing.length > 0 ? `\nWithout ${missing.join(", ")}: not comparable with complete means` : "";
  const title = `Mean of ${tasks} tasks at ${formatLength(length)}: ${formatScore(score)}\n95% interval ${formatInterval(interval.low, interval.high)}${gap}`;
  return { score, interval, title };
}
