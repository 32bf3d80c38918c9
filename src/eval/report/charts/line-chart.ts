/**
 * Lines with bands of their intervals on a fixed axis from 0 to 100, so that charts can be compared by eye. Names stand
 * at the ends of the lines; faint lines are context without bands.
 */
import { area, line } from "d3-shape";
import type { Interval } from "../../statistics/interval.ts";
import { axisText, scoreGrid, segment } from "./axis.ts";
import { seriesOf } from "./color.ts";
import { drawing, element, textElement } from "./markup.ts";
import { formatInterval, formatScore } from "./numbers.ts";

export interface CurvePoint {
  readonly x: number;
  /** 0 to 1 */
  readonly score: number;
  readonly interval?: Interval;
  /** Samples. */
  readonly n?: number;
}

export interface Curve {
  readonly label: string;
  /** Which colour; the same number is the same run in all charts. */
  readonly series: number;
  readonly points: readonly CurvePoint[];
  readonly faint?: boolean;
}

export interface Frame {
  readonly width: number;
  readonly height: number;
  /** Room for names at the right; 0 leaves them out. */
  readonly labelWidth: number;
}

export interface Axis {
  /** Units of x to pixels. */
  readonly scale: (x: number) => number;
  readonly ticks: readonly number[];
  readonly format: (x: number) => string;
}

export interface LineChart {
  /** Said to those who cannot see it. */
  readonly label: string;
  readonly curves: readonly Curve[];
  readonly frame: Frame;
  readonly axis: Axis;
  /** A score worth a line of its own. */
  readonly threshold?: number;
}

const margin = { left: 32, top: 10, bottom: 24, right: 12 };
const labelHeight = 15;

/** First and last pixel of the x axis. */
export function plotRange(frame: Frame): [number, number] {
  return [margin.left, frame.width - frame.labelWidth - margin.right];
}

export function lineChart({ label, curves, frame, axis, threshold }: LineChart): string {
  const bottom = frame.height - margin.bottom;
  const y = (score: number) => bottom - score * (bottom - margin.top);
  const [left, right] = plotRange(frame);

  const grid = scoreGrid(left, right, y);
  const ticks = axis.ticks.map((x) => axisText(axis.format(x), axis.scale(x), bottom + 17, "middle"));
  const limit =
    threshold === undefined
      ? []
      : [
          segment([left, y(threshold)], [right, y(threshold)], { "stroke-opacity": 0.6, "stroke-dasharray": "2 3" }),
          // Above the line there may be no room.
          axisText(formatScore(threshold), left + 4, y(threshold) + 13, "start"),
        ];
  const faintFirst = [...curves.filter((curve) => curve.faint), ...curves.filter((curve) => !curve.faint)];
  const drawn = faintFirst.map((curve) => drawCurve(curve, axis, y));
  const names = frame.labelWidth > 0 ? endLabels(curves, axis, y, right + 8, bottom) : [];
  return drawing(frame.width, frame.height, label, ...grid, ...ticks, ...limit, ...drawn, ...names);
}

function drawCurve(curve: Curve, axis: Axis, y: (score: number) => number): string {
  const points = [...curve.points];
  const series = seriesOf(curve.series);
  const path = line<CurvePoint>()
    .x((point) => axis.scale(point.x))
    .y((point) => y(point.score))
    .digits(2)(points);
  if (curve.faint) {
    const stroke = { stroke: "currentColor", "stroke-opacity": 0.28, "stroke-width": 1, fill: "none" };
    return element("path", { d: path ?? "", ...stroke }, textElement("title", {}, curve.label));
  }
  const band = area<CurvePoint>()
    .defined((point) => point.interval !== undefined)
    .x((point) => axis.scale(point.x))
    .y0((point) => y(point.interval?.low ?? point.score))
    .y1((point) => y(point.interval?.high ?? point.score))
    .digits(2)(points);
  const dots = points.map((point) =>
    element(
      "circle",
      { cx: axis.scale(point.x), cy: y(point.score), r: 3 },
      textElement("title", {}, describe(curve.label, point, axis)),
    ),
  );
  return element(
    "g",
    { class: series.class, color: series.color, fill: "currentColor" },
    element("path", { class: "band", d: band ?? "", "fill-opacity": 0.16 }),
    element("path", { class: "line", d: path ?? "", fill: "none", stroke: "currentColor", "stroke-width": 2 }),
    ...dots,
  );
}

function describe(label: string, { x, score, interval, n }: CurvePoint, axis: Axis): string {
  const bounds = interval ? ` (95% interval ${formatInterval(interval.low, interval.high)})` : "";
  return `${label}, ${axis.format(x)}: ${formatScore(score)}${bounds}${n === undefined ? "" : `, n = ${n}`}`;
}

/** Names beside the last points, pushed apart from the top down, and back up from the bottom. */
function endLabels(
  curves: readonly Curve[],
  axis: Axis,
  y: (score: number) => number,
  x: number,
  bottom: number,
): string[] {
  const named = curves.filter((curve) => curve.points.length > 0);
  const ends = named.map((curve) => ({ curve, last: curve.points.at(-1)! }));
  const placed = spread(
    ends.map(({ last }) => y(last.score)),
    labelHeight,
    bottom,
  );
  return ends.map(({ curve, last }, i) => {
    const series = seriesOf(curve.series);
    const paint = curve.faint
      ? { "fill-opacity": 0.7 }
      : { class: series.class, color: series.color, "font-weight": 600 };
    const lead = segment([axis.scale(last.x), y(last.score)], [x - 3, placed[i]], { "stroke-opacity": 0.3 });
    const text = textElement("text", { x, y: placed[i] + 4, fill: "currentColor" }, curve.label);
    return element("g", paint, lead, text);
  });
}

/** Places at least `gap` apart, none below `bottom`, each as near to where it belongs as the others let it. */
export function spread(wanted: readonly number[], gap: number, bottom: number): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b] || a - b);
  const placed = [...wanted];
  for (let i = 1; i < order.length; i++) placed[order[i]] = Math.max(placed[order[i]], placed[order[i - 1]] + gap);
  let limit = bottom;
  for (let i = order.length - 1; i >= 0; i--) {
    placed[order[i]] = Math.min(placed[order[i]], limit);
    limit = placed[order[i]] - gap;
  }
  return placed;
}
