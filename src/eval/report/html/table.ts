/** Tables of scores: the number with its interval below, on the colour that heat maps use. */
import type { Interval } from "../../statistics/interval.ts";
import { shadeOf } from "../charts/color.ts";
import { classicStyle } from "../charts/heat-map.ts";
import { element, textElement } from "../charts/markup.ts";
import { formatLength, formatScore, formatWholeScore } from "../charts/numbers.ts";

export interface ScoreCell {
  readonly score: number;
  readonly interval?: Interval;
  /** Shown when pointed at. */
  readonly title: string;
}

export interface ScoreRow {
  readonly name: string;
  /** One a column; undefined where nothing was measured. */
  readonly cells: readonly (ScoreCell | undefined)[];
  /** A mean over the rows above. */
  readonly isMean?: boolean;
  /** Colours the name as in the charts. */
  readonly className?: string;
}

export function scoreTable(
  caption: string,
  head: string,
  lengths: readonly number[],
  rows: readonly ScoreRow[],
): string {
  const columns = lengths.map((length) => textElement("th", { scope: "col" }, formatLength(length)));
  return scrollable(
    element(
      "table",
      { class: "scores" },
      textElement("caption", {}, caption),
      element("thead", {}, element("tr", {}, textElement("th", { scope: "col" }, head), ...columns)),
      element("tbody", {}, ...rows.map(scoreRow)),
    ),
  );
}

export function scrollable(table: string): string {
  return element("div", { class: "scroll" }, table);
}

function scoreRow({ name, cells, isMean, className }: ScoreRow): string {
  const head = textElement("th", { scope: "row", class: className }, name);
  return element("tr", { class: isMean ? "mean" : undefined }, head, ...cells.map(scoreCell));
}

function scoreCell(cell: ScoreCell | undefined): string {
  if (!cell) return element("td", { class: "empty", "aria-label": "not measured" }, "–");
  const { score, interval, title } = cell;
  const shade = shadeOf(score);
  const style = `--fill:${shade.fill};--ink-on:${shade.ink};${classicStyle(shade)}`;
  const bounds = interval
    ? textElement("small", {}, `${formatWholeScore(interval.low)}–${formatWholeScore(interval.high)}`)
    : "";
  return element("td", { class: "shaded", style, title }, textElement("span", {}, formatScore(score)), bounds);
}
