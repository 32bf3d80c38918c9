/**
 * Quality against what it costs: seconds or bytes, on a log axis where they differ by more than four times. The line
 * joins the points that no other beats in both.
 */
import { scaleLinear, scaleLog } from "d3-scale";
import type { Interval } from "../../statistics/interval.ts";
import { axisText, pair, scoreGrid, segment } from "./axis.ts";
import { seriesOf } from "./color.ts";
import { spread } from "./line-chart.ts";
import { drawing, element, textElement } from "./markup.ts";
import { formatInterval, formatScore } from "./numbers.ts";

export interface ParetoPoint {
  readonly label: string;
  readonly series: number;
  readonly cost: number;
  /** 0 to 1 */
  readonly score: number;
  readonly interval?: Interval;
}

export interface ParetoOptions {
  readonly label: string;
  readonly costLabel: string;
  readonly points: readonly ParetoPoint[];
  readonly format: (cost: number) => string;
  /** Joins what no other point beats. */
  readonly frontier?: boolean;
}

const width = 420;
const height = 260;
const left = 32;
const right = width - 120;
const top = 12;
const bottom = height - 42;

export function paretoChart({ label, costLabel, points, format, frontier = true }: ParetoOptions): string {
  const costs = points.map((point) => point.cost);
  const [least, most] = [Math.min(...costs), Math.max(...costs)];
  const isLog = least > 0 && most / least > 4;
  const scale = isLog
    ? scaleLog([least / 1.3, most * 1.3], [left, right])
    : scaleLinear([0, most * 1.15 || 1], [left, right]);
  const y = (score: number) => bottom - score * (bottom - top);
  const x = (cost: number) => scale(cost);

  const grid = scoreGrid(left, right, y);
  const ticks = isLog ? decades(least / 1.3, most * 1.3) : scale.ticks(4);
  const axis = [
    ...ticks.map((cost) => axisText(format(cost), x(cost), bottom + 17, "middle")),
    axisText(costLabel, (left + right) / 2, height - 6, "middle"),
  ];
  const front = frontier ? paretoFront(points) : [];
  const steps = front.map((point, i) =>
    i === 0 ? `M${pair([x(point.cost), y(point.score)])}` : `H${x(point.cost).toFixed(2)}V${y(point.score).toFixed(2)}`,
  );
  const line = element("path", {
    d: steps.join(""),
    class: "front",
    fill: "none",
    stroke: "currentColor",
    "stroke-opacity": 0.4,
    "stroke-dasharray": "4 3",
  });
  const texts = spread(
    points.map((point) => y(point.score)),
    15,
    bottom,
  );
  const drawn = points.map((point, i) => {
    const series = seriesOf(point.series);
    const [cx, cy] = [x(point.cost), y(point.score)];
    // A name stands at the right of its point unless it would run into another one there.
    const reach = 7.5 * point.label.length;
    const isCrowded =
      cx - reach > left &&
      points.some(({ cost, score }) => x(cost) > cx && x(cost) < cx + reach && Math.abs(y(score) - cy) < 60);
    const bounds = point.interval;
    const whisker = bounds ? segment([cx, y(bounds.low)], [cx, y(bounds.high)], { "stroke-opacity": 0.55 }) : "";
    const range = bounds ? ` (95% interval ${formatInterval(bounds.low, bounds.high)})` : "";
    const title = `${point.label}: ${formatScore(point.score)}${range} at ${format(point.cost)}`;
    return element(
      "g",
      { class: series.class, color: series.color },
      whisker,
      element("circle", { cx, cy, r: 4.5, fill: "currentColor" }, textElement("title", {}, title)),
      textElement(
        "text",
        {
          x: cx + (isCrowded ? -6 : 6),
          y: texts[i] - 8,
          "text-anchor": isCrowded ? "end" : "start",
          fill: "currentColor",
          "font-weight": 600,
          class: "halo",
        },
        point.label,
      ),
    );
  });
  return drawing(width, height, label, ...grid, ...axis, line, ...drawn);
}

/** Points that no other beats in cost and score, by rising cost; of equals, the first. */
export function paretoFront<T extends { cost: number; score: number }>(points: readonly T[]): T[] {
  const front: T[] = [];
  for (const point of [...points].sort((a, b) => a.cost - b.cost || b.score - a.score))
    if (front.length === 0 || point.score > front.at(-1)!.score) front.push(point);
  return front;
}

/** 1, 2 and 5 times powers of ten within the range; only powers where these are too many. */
function decades(low: number, high: number): number[] {
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
    for (const digit of high / low > 100 ? [1] : [1, 2, 5]) ticks.push(digit * 10 ** power);
  return ticks.filter((tick) => tick >= low && tick <= high);
}
