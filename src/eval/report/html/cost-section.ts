/** Quality against seconds, and against bytes of cache where a backend tells them. */
import type { Row } from "../../types.ts";
import { formatBytes, formatLength, formatScore, formatSeconds } from "../charts/numbers.ts";
import { type ParetoPoint, paretoChart } from "../charts/pareto.ts";
import { familiesOf, findFamily, findMacro, lengthsOf, type NamedRun } from "./runs.ts";
import { figure, grid, type Section, titled } from "./section.ts";

interface Cost {
  readonly title: string;
  readonly of: (row: Row) => number | undefined;
  readonly format: (value: number) => string;
}

const costs: readonly Cost[] = [
  { title: "seconds a sample", of: ({ usage }) => usage.seconds, format: formatSeconds },
  {
    title: "bytes of cache",
    of: ({ usage }: { usage: Row["usage"] & { readonly cacheBytes?: number } }) => usage.cacheBytes,
    format: formatBytes,
  },
];

export function costSection(runs: readonly NamedRun[]): Section {
  const families = familiesOf(runs);
  const parts = families.map((family) => {
    const figures = costs.flatMap((cost) =>
      runs.length > 1 ? byLength(runs, family, cost) : ofOneRun(runs[0], family, cost),
    );
    return titled(families.length > 1 ? family : undefined, grid(figures));
  });
  return {
    id: "cost",
    title: "Quality and cost",
    lead:
      runs.length > 1
        ? "Up and to the left is better. The dashed line joins the runs that no other beats in both; whiskers are 95% intervals."
        : "Mean score against mean cost, a point a length; whiskers are 95% intervals.",
    content: parts.join(""),
  };
}

/** A chart for every length that at least two runs have: a point a run. */
function byLength(runs: readonly NamedRun[], family: string, cost: Cost): string[] {
  return lengthsOf(runs).flatMap((length) => {
    const points = runs.flatMap((run) => pointOf(run, family, length, cost, run.name));
    return points.length < 2
      ? []
      : [chart(family, `${formatLength(length)}: score and ${cost.title}`, points, cost, true)];
  });
}

function ofOneRun(run: NamedRun, family: string, cost: Cost): string[] {
  const points = run.summary.lengths.flatMap((length) => pointOf(run, family, length, cost, formatLength(length)));
  return points.length < 2 ? [] : [chart(family, `Score and ${cost.title}`, points, cost, false)];
}

function chart(family: string, title: string, points: readonly ParetoPoint[], cost: Cost, frontier: boolean): string {
  const words = points.map((point) => `${point.label}: ${formatScore(point.score)} at ${cost.format(point.cost)}`);
  const label = `${family}, ${title}. ${words.join("; ")}.`;
  return figure(title, paretoChart({ label, costLabel: cost.title, points, format: cost.format, frontier }));
}

/** None where the length lacks tasks, or nobody told the cost. */
function pointOf(run: NamedRun, family: string, length: number, cost: Cost, label: string): ParetoPoint[] {
  const macro = findMacro(run, family, length);
  if (!macro || macro.missing.length > 0) return [];
  const means = findFamily(run, family)!.tasks.map(({ task }) => {
    const rows = run.rows.filter((row) => row.task === task && row.length === length && !row.truncated);
    return mean(rows.flatMap((row) => cost.of(row) ?? []));
  });
  // Tasks weigh alike in the cost because they do in the score.
  const value = mean(means);
  if (!Number.isFinite(value)) return [];
  return [{ label, series: run.series, cost: value, score: macro.score, interval: macro.interval }];
}

/** NaN of nothing. */
function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
