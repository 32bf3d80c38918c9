/** Paired differences of two runs, one a line, with their intervals about zero. Filled where they are significant. */
import { scaleLinear } from "d3-scale";
import type { Interval } from "../../statistics/interval.ts";
import { axisText, segment } from "./axis.ts";
import { seriesOf } from "./color.ts";
import { drawing, element, textElement } from "./markup.ts";
import { formatDifference } from "./numbers.ts";

export interface ForestRow {
  readonly label: string;
  readonly n: number;
  /** Second run less the first, -1 to 1. */
  readonly difference: number;
  readonly interval: Interval;
  /** Adjusted for the number of comparisons. */
  readonly p: number;
  readonly isSignificant: boolean;
  /** A mean over other rows. */
  readonly isMean?: boolean;
}

export interface ForestGroup {
  readonly title: string;
  readonly rows: readonly ForestRow[];
}

export interface ForestOptions {
  readonly label: string;
  readonly groups: readonly ForestGroup[];
  /** What lies left and right of zero. */
  readonly worse: string;
  readonly better: string;
}

const width = 760;
const left = 190;
const right = width - 190;
const rowHeight = 24;
const top = 30;

export function forestPlot({ label, groups, worse, better }: ForestOptions): string {
  const rows = groups.flatMap((group) => group.rows);
  const reach = Math.max(0.05, ...rows.flatMap(({ interval }) => [Math.abs(interval.low), Math.abs(interval.high)]));
  const x = scaleLinear([-reach, reach], [left, right]);
  const bottom = top + (rows.length + groups.length) * rowHeight;
  const line = (at: number, opacity: number) =>
    segment([x(at), top - 4], [x(at), bottom], { "stroke-opacity": opacity });
  const ticks = x.ticks(6);
  const axis = ticks.flatMap((tick) => [
    line(tick, tick === 0 ? 0.55 : 0.1),
    axisText(formatDifference(tick), x(tick), bottom + 16, "middle"),
  ]);
  const sides = [axisText(`← ${worse}`, x(0) - 10, 14, "end"), axisText(`${better} →`, x(0) + 10, 14, "start")];
  const drawn: string[] = [];
  for (const { title, rows: members } of groups) {
    const next = () => top + (drawn.length + 0.5) * rowHeight;
    drawn.push(textElement("text", { x: 0, y: next() + 6, "font-weight": 600 }, title));
    for (const row of members) drawn.push(drawRow(row, next(), x));
  }
  return drawing(width, bottom + 24, label, ...axis, ...sides, ...drawn);
}

function drawRow(row: ForestRow, y: number, x: (difference: number) => number): string {
  const { color, class: name } = seriesOf(row.difference < 0 ? 1 : 0);
  const ends = { low: x(row.interval.low).toFixed(2), high: x(row.interval.high).toFixed(2) };
  const bounds = `${formatDifference(row.interval.low)} to ${formatDifference(row.interval.high)}`;
  const title = `${row.label}: ${formatDifference(row.difference)} (95% interval ${bounds}), n = ${row.n}, p ${formatP(row.p)}`;
  const weight = row.isMean || row.isSignificant ? 600 : 400;
  const mark = {
    fill: row.isSignificant ? "currentColor" : "var(--page, #fff)",
    stroke: "currentColor",
    "stroke-width": 1.5,
  };
  const center = x(row.difference);
  const point = row.isMean
    ? element("path", { d: `M${center.toFixed(2)},${y - 6}l6,6l-6,6l-6,-6z`, ...mark })
    : element("circle", { cx: center, cy: y, r: 4, ...mark });
  return element(
    "g",
    {},
    textElement("title", {}, title),
    textElement("text", { x: 14, y: y + 4, "font-weight": weight }, row.label),
    element(
      "g",
      { class: name, color },
      element("path", { d: `M${ends.low},${y}H${ends.high}`, stroke: "currentColor", "stroke-width": 1.5 }),
      point,
    ),
    textElement(
      "text",
      { x: right + 60, y: y + 4, "text-anchor": "end", "font-weight": weight },
      formatDifference(row.difference),
    ),
    axisText(`p ${formatP(row.p)}`, right + 128, y + 4, "end"),
    axisText(`n = ${row.n}`, width - 2, y + 4, "end"),
  );
}

/** With its sign of relation: < 0.001, = 0.04. */
export function formatP(p: number): string {
  return p < 0.001 ? "< 0.001" : `= ${p.toFixed(p < 0.1 ? 3 : 2)}`;
}
