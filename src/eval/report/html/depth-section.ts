/** Score by the depth of what must be found: heat maps over length, and curves over all lengths. */
import { createRandom } from "../../random.ts";
import { binOf } from "../../statistics/depth-bins.ts";
import { meanInterval } from "../../statistics/mean-interval.ts";
import type { DepthTable, PositionBias } from "../../summary/types.ts";
import { depthCurves } from "../charts/depth-curves.ts";
import { formatP } from "../charts/forest.ts";
import { formatDepths, heatMap } from "../charts/heat-map.ts";
import type { Curve } from "../charts/line-chart.ts";
import { formatDifference, formatLength, formatScore } from "../charts/numbers.ts";
import { familiesOf, findTask, type NamedRun, tasksOf } from "./runs.ts";
import { figure, grid, type Section, titled } from "./section.ts";

export function depthSection(runs: readonly NamedRun[]): Section {
  const parts = familiesOf(runs).flatMap((family) =>
    tasksOf(runs, family).map((task) => titled(task, taskDepths(runs, family, task))),
  );
  return {
    id: "depth",
    title: "Score by depth",
    lead: "Where in the context the answer stands: 0% is its beginning, 100% its end, next to the question. A cell of few samples proves little; point at it for its interval.",
    content: parts.join(""),
  };
}

function taskDepths(runs: readonly NamedRun[], family: string, task: string): string {
  const found = runs.flatMap((run) => {
    const { depths, positionBias } = findTask(run, family, task) ?? {};
    return depths && depths.bins.length > 1 ? [{ run, depths, positionBias }] : [];
  });
  const maps = found.map(({ run, depths }) => {
    const name = runs.length > 1 ? run.name : "By length and depth";
    return figure(
      name,
      heatMap({ label: `${task}, ${run.name}: score by length and depth. ${inWords(depths)}`, table: depths }),
    );
  });
  const curves = found.map(({ run, depths }) => depthCurve(run, task, depths));
  if (curves.length === 0) return "";
  const biases = found.flatMap(({ run, positionBias }) =>
    positionBias ? [(runs.length > 1 ? `${run.name}: ` : "") + biasText(positionBias)] : [],
  );
  const label = `${task}: score by depth over all lengths`;
  return grid([...maps, figure("By depth, all lengths", depthCurves({ label, curves }), biases.join("\n"))]);
}

/** Samples of all lengths by bins of depth. */
function depthCurve(run: NamedRun, task: string, { bins }: DepthTable): Curve {
  const placed = run.rows.filter((row) => row.task === task && row.depth !== undefined && !row.truncated);
  const points = bins.flatMap((bin, i) => {
    const rows = placed.filter((row) => binOf(bins, row.depth!) === i);
    if (rows.length === 0) return [];
    // Groups of different lengths never share a context.
    const observations = rows.map((row) => ({ value: row.score, group: `${row.length}/${row.group}` }));
    const { mean, interval } = meanInterval(observations, createRandom("report", "depth", task, i));
    return [{ x: (bin.low + bin.high) / 2, score: mean, interval, n: rows.length }];
  });
  return { label: "", series: run.series, points };
}

function biasText({ primacy, recency, u, uInterval, p }: PositionBias): string {
  const bounds = `${formatDifference(uInterval.low)} to ${formatDifference(uInterval.high)}`;
  return `Beginning ${formatDifference(primacy)}, end ${formatDifference(recency)} against the middle; U = ${formatDifference(u)} (95%: ${bounds}); any effect of depth: p ${formatP(p)}.`;
}

/** The worst cell says most in one sentence. */
function inWords({ bins, lengths, cells }: DepthTable): string {
  const scored = cells.flatMap((row, bin) =>
    row.flatMap(({ score }, column) => (score === undefined ? [] : [{ score, bin, column }])),
  );
  if (scored.length === 0) return "No samples.";
  const worst = scored.reduce((low, cell) => (cell.score < low.score ? cell : low));
  const where = `at ${formatLength(lengths[worst.column])}, depth ${formatDepths(bins[worst.bin])}`;
  return `Lowest: ${formatScore(worst.score)} ${where}.`;
}
