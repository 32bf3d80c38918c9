/**
 * Score over context length (columns) and depth of the needle (rows, the beginning on top), after Kamradt's
 * needle-in-a-haystack plots, with n and interval of every cell in its title. Each cell carries both colour ramps.
 */
import { scaleBand } from "d3-scale";
import type { DepthBin, DepthCell, DepthTable } from "../../summary/types.ts";
import { axisText } from "./axis.ts";
import { type Shade, shadeOf } from "./color.ts";
import { drawing, element, textElement } from "./markup.ts";
import { formatInterval, formatLength, formatPercent, formatScore, formatWholeScore } from "./numbers.ts";

export interface HeatMapOptions {
  /** Said to those who cannot see it. */
  readonly label: string;
  readonly table: DepthTable;
}

const left = 62;
const top = 8;
const rowHeight = 30;
const legendHeight = 54;
const legendWidth = 220;

export function heatMap({ label, table }: HeatMapOptions): string {
  const { lengths, bins } = table;
  const columnWidth = Math.min(72, Math.max(42, 440 / Math.max(1, lengths.length)));
  const gridWidth = columnWidth * lengths.length;
  const gridHeight = rowHeight * bins.length;
  const x = scaleBand(lengths, [left, left + gridWidth]).paddingInner(0.04);
  const y = scaleBand([...bins.keys()], [top, top + gridHeight]).paddingInner(0.08);

  const grid = lengths.flatMap((length, column) =>
    bins.map((bin, row) => {
      const place = { x: x(length)!, y: y(row)!, width: x.bandwidth(), height: y.bandwidth() };
      return heatCell(table.cells[row][column], place, `${formatLength(length)}, depth ${formatDepths(bin)}`);
    }),
  );
  const columns = lengths.map((length) =>
    axisText(formatLength(length), x(length)! + x.bandwidth() / 2, top + gridHeight + 16, "middle"),
  );
  const rows = bins.map((bin, row) => axisText(formatDepths(bin), left - 8, y(row)! + y.bandwidth() / 2 + 4, "end"));
  const width = left + Math.max(gridWidth, legendWidth) + 2;
  const height = top + gridHeight + legendHeight;
  return drawing(width, height, label, ...grid, ...columns, ...rows, legend(left, height - 20));
}

/** One depth, or the depths of a bin: 50%, 40–60%. */
export function formatDepths({ low, high }: DepthBin): string {
  return low === high ? formatPercent(low) : `${Math.round(100 * low)}–${formatPercent(high)}`;
}

type Place = Readonly<Record<"x" | "y" | "width" | "height", number>>;

function heatCell({ n, score, interval }: DepthCell, place: Place, where: string): string {
  if (score === undefined) {
    const title = textElement("title", {}, `${where}: no samples`);
    return element("rect", { ...place, rx: 2, fill: "currentColor", "fill-opacity": 0.07 }, title);
  }
  const shade = shadeOf(score);
  const bounds = interval ? `95% interval ${formatInterval(interval.low, interval.high)}, ` : "";
  const title = `${where}: ${formatScore(score)} (${bounds}n = ${n})`;
  const value = textElement(
    "text",
    {
      x: place.x + place.width / 2,
      y: place.y + place.height / 2 + 4,
      "text-anchor": "middle",
      fill: shade.ink,
      class: "ink",
    },
    formatWholeScore(score),
  );
  const rectangle = element("rect", { ...place, rx: 2, fill: shade.fill, class: "shade" });
  return element("g", { style: classicStyle(shade) }, textElement("title", {}, title), rectangle, value);
}

/** What the page's switch to red, yellow and green reads. */
export function classicStyle(shade: Shade): string {
  return `--classic:${shade.classicFill};--classic-ink:${shade.classicInk}`;
}

function legend(x: number, y: number): string {
  const steps = 40;
  const step = (legendWidth - 60) / steps;
  const strip = Array.from({ length: steps }, (_, i) => {
    const shade = shadeOf(i / (steps - 1));
    const place = { x: x + 20 + i * step, y, width: step + 0.4, height: 9 };
    return element("rect", { ...place, fill: shade.fill, class: "shade", style: classicStyle(shade) });
  });
  const texts = [axisText("0", x + 12, y + 9, "end"), axisText("100", x + 26 + steps * step, y + 9, "start")];
  return element("g", { "aria-hidden": "true" }, ...strip, ...texts);
}
