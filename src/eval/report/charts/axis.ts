/** What the charts have in common: texts at axes, thin lines, and the grid of scores, always from 0 to 100. */
import { type Attributes, element, textElement } from "./markup.ts";
import { formatWholeScore } from "./numbers.ts";

export type Anchor = "start" | "middle" | "end";

export function axisText(text: string, x: number, y: number, anchor: Anchor): string {
  return textElement("text", { x, y, "text-anchor": anchor, class: "axis", "fill-opacity": 0.75 }, text);
}

/** A straight line from one [x, y] to another. */
export function segment(from: readonly number[], to: readonly number[], attributes: Attributes): string {
  return element("path", { d: `M${pair(from)}L${pair(to)}`, stroke: "currentColor", ...attributes });
}

/** Horizontal lines at the quarters, from pixel `left` to `right`, with their scores. */
export function scoreGrid(left: number, right: number, y: (score: number) => number): string[] {
  return [0, 0.25, 0.5, 0.75, 1].flatMap((score) => [
    segment([left, y(score)], [right, y(score)], { "stroke-opacity": score === 0 ? 0.45 : 0.12 }),
    axisText(formatWholeScore(score), left - 7, y(score) + 4, "end"),
  ]);
}

/** A point in path syntax: x,y with two decimals. */
export function pair([x, y]: readonly number[]): string {
  return `${x.toFixed(2)},${y.toFixed(2)}`;
}
