/** Pages held against tokens read, as SVG; dashed: a cache that drops nothing. */
import { scaleLinear } from "d3-scale";
import { line } from "d3-shape";
import { axisText, segment } from "../report/charts/axis.ts";
import { seriesOf } from "../report/charts/color.ts";
import { drawing, element } from "../report/charts/markup.ts";
import { formatLength } from "../report/charts/numbers.ts";
import type { MemoryTrace } from "./trace.ts";

const width = 640;
const height = 320;
const [left, right, top, bottom] = [64, width - 20, 16, height - 40];

export function memoryPicture({ points, fullPages, model }: MemoryTrace): string {
  const length = points[points.length - 1].tokens;
  const x = scaleLinear([0, length], [left, right]);
  const y = scaleLinear([0, fullPages * 1.05], [bottom, top]);
  const grid = y
    .ticks(5)
    .flatMap((pages) => [
      segment([left, y(pages)], [right, y(pages)], { "stroke-opacity": pages === 0 ? 0.45 : 0.12 }),
      axisText(pages.toLocaleString("en-US"), left - 8, y(pages) + 4, "end"),
    ]);
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) =>
    axisText(share === 0 ? "0" : formatLength(Math.round(length * share)), x(length * share), bottom + 17, "middle"),
  );
  const held = line<{ tokens: number; pages: number }>()
    .x(({ tokens }) => x(tokens))
    .y(({ pages }) => y(pages))
    .digits(2)([{ tokens: 0, pages: 0 }, ...points]);
  const paint = { fill: "none", stroke: "currentColor" };
  return drawing(
    width,
    height,
    `Pages held while reading ${length} tokens with ${model}`,
    element("rect", { width, height, fill: "white" }),
    element(
      "g",
      { color: "#1a1a1a", fill: "currentColor" },
      ...grid,
      ...ticks,
      segment([x(0), y(0)], [x(length), y(fullPages)], { "stroke-opacity": 0.5, "stroke-dasharray": "4 4" }),
      axisText("nothing dropped", x(length * 0.5) - 10, y(fullPages * 0.5) - 8, "end"),
      element("path", { ...paint, d: held ?? "", color: seriesOf(0).color, "stroke-width": 2 }),
      axisText("tokens read", (left + right) / 2, height - 6, "middle"),
      axisText("pages", left - 8, top - 4, "end"),
    ),
  );
}
