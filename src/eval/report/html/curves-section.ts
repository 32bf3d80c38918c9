/** Score by length: one chart of means, then a small one a task. */
import type { CellSummary, MacroSummary } from "../../summary/types.ts";
import { lengthCurves } from "../charts/length-curves.ts";
import type { Curve } from "../charts/line-chart.ts";
import { formatLength, formatScore } from "../charts/numbers.ts";
import { familiesOf, findFamily, findTask, lengthsOf, type NamedRun, tasksOf } from "./runs.ts";
import { figure, grid, type Section, titled } from "./section.ts";

const small = { width: 248, height: 170, labelWidth: 0 };

export function curvesSection(runs: readonly NamedRun[]): Section {
  const families = familiesOf(runs);
  const parts = families.map((family) => {
    const tasks = tasksOf(runs, family);
    const means = tasks.length > 1 ? meanChart(runs, family, tasks) : "";
    return titled(
      families.length > 1 && tasks.join() !== family ? family : undefined,
      means + grid(taskCharts(runs, family, tasks), "small"),
    );
  });
  return {
    id: "curves",
    title: "Score by length",
    lead: "Lines are mean scores, bands their 95% intervals; the length axis doubles from step to step.",
    content: lengthsOf(runs).length > 1 ? parts.join("") : "",
  };
}

/** The mean of every run; for one run alone, its tasks behind it. */
function meanChart(runs: readonly NamedRun[], family: string, tasks: readonly string[]): string {
  const means = runs.map((run) => ({
    label: runs.length > 1 ? run.name : "mean",
    series: run.series,
    points: (findFamily(run, family)?.macros ?? []).map(pointOf),
  }));
  const behind: Curve[] =
    runs.length > 1
      ? []
      : tasks.map((task) => ({ label: task, series: 0, faint: true, points: taskPoints(runs[0], family, task) }));
  const label = `Mean score of ${family} by context length. ${means.map(inWords).join(" ")}`;
  const height = Math.max(320, 60 + 15 * (means.length + behind.length));
  const frame = { width: 900, height, labelWidth: 220 };
  return figure("Mean over tasks", lengthCurves({ label, curves: [...means, ...behind], threshold: 0.856, frame }));
}

function taskCharts(runs: readonly NamedRun[], family: string, tasks: readonly string[]): string[] {
  return tasks.map((task) => {
    const curves = runs.map((run) => ({ label: run.name, series: run.series, points: taskPoints(run, family, task) }));
    return figure(task, lengthCurves({ label: `${task}. ${curves.map(inWords).join(" ")}`, curves, frame: small }));
  });
}

function taskPoints(run: NamedRun, family: string, task: string): Curve["points"] {
  const cells = findTask(run, family, task)?.cells ?? [];
  return cells.filter(isScored).map(pointOf);
}

function isScored(cell: CellSummary): cell is CellSummary & { readonly score: number } {
  return cell.score !== undefined;
}

function pointOf(cell: MacroSummary | (CellSummary & { readonly score: number })): Curve["points"][number] {
  return { x: cell.length, score: cell.score, interval: cell.interval, n: "n" in cell ? cell.n : undefined };
}

function inWords({ label, points }: Curve): string {
  return `${label}: ${points.map(({ x, score }) => `${formatScore(score)} at ${formatLength(x)}`).join(", ")}.`;
}
