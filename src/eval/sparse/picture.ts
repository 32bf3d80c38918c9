/** Density of every plan as one SVG: a map for each, layers from the first on top, a column for each query head. */
import { scaleBand } from "d3-scale";
import { count } from "../perplexity/figures.ts";
import { axisText } from "../report/charts/axis.ts";
import { shadeOf } from "../report/charts/color.ts";
import { drawing, element, textElement } from "../report/charts/markup.ts";
import { formatPercent, formatWholeScore } from "../report/charts/numbers.ts";
import type { SparseHead, SparseResult, SparseRow } from "./types.ts";

const mostWidth = 1120;
const [left, top, gap] = [24, 76, 28];
const rowHeight = 15;
const legendHeight = 56;
/** Of a letter in the lines above a map, about. */
const letterWidth = 6.8;
const leastWidth = 200;

export function sparsePicture({ model, rows }: SparseResult): string {
  const shown = rows.filter(({ heads }) => heads.length > 0);
  const numHeads = Math.max(1, ...shown.flatMap(({ heads: each }) => each.map(({ head }) => head + 1)));
  const layers = [...new Set(shown.flatMap(({ heads }) => heads.map(({ layer }) => layer)))].sort((a, b) => a - b);
  const gridWidth = numHeads * Math.min(56, Math.max(20, 240 / numHeads));
  const titleWidth = letterWidth * Math.max(0, ...shown.flatMap(titleOf).map(({ length }) => length));
  const panelWidth = Math.max(leastWidth, left + gridWidth, titleWidth) + gap;
  const panelHeight = top + layers.length * rowHeight + 30;
  const perLine = Math.max(1, Math.min(shown.length, Math.floor(mostWidth / panelWidth)));
  const panels = shown.map((row, i) => {
    const place = `translate(${(i % perLine) * panelWidth + 8},${Math.floor(i / perLine) * panelHeight})`;
    return element("g", { transform: place }, panel(row, { layers, numHeads, gridWidth }));
  });
  const width = Math.max(perLine * panelWidth, 300) + 8;
  const height = Math.ceil(shown.length / perLine) * panelHeight + legendHeight;
  const label = `Pages seen by layer and query head under ${shown.length} sparse prefills: ${model}`;
  return drawing(
    width,
    height,
    label,
    element("rect", { width, height, fill: "white" }),
    element(
      "g",
      { color: "#1a1a1a", fill: "currentColor" },
      ...panels,
      legend(left + 8, height - 30, `pages seen, of those that full attention sees · ${model}`),
    ),
  );
}

interface Frame {
  readonly layers: readonly number[];
  readonly numHeads: number;
  readonly gridWidth: number;
}

function panel(row: SparseRow, { layers, numHeads, gridWidth }: Frame): string {
  const height = layers.length * rowHeight;
  const x = scaleBand(
    Array.from({ length: numHeads }, (_, head) => head),
    [left, left + gridWidth],
  ).paddingInner(0.04);
  const y = scaleBand(layers, [top, top + height]).paddingInner(0.08);
  const cells = row.heads.map((head) =>
    cell(head, { x: x(head.head)!, y: y(head.layer)!, width: x.bandwidth(), height: y.bandwidth() }),
  );
  const [method, ...lines] = titleOf(row);
  // A number beside every layer would be too much to read.
  const marked = layers.filter((_, i) => i % 4 === 0);
  return [
    textElement("text", { x: 0, y: 20, "font-weight": 600 }, method),
    ...lines.map((line, i) => axisText(line, 0, 35 + 15 * i, "start")),
    ...marked.map((layer) => axisText(String(layer), left - 5, y(layer)! + y.bandwidth() / 2 + 4, "end")),
    ...cells,
    axisText("layer ↓  query head →", left, top + height + 15, "start"),
  ].join("");
}

/** The method, its options and what else the plan says, and two lines of figures. */
function titleOf({ name, tokens, density, kl, recall }: SparseRow): string[] {
  const [method, ...options] = name.split(" ");
  const divergence = `KL ${kl === 0 ? "0" : kl.toPrecision(2)}`;
  return [
    method,
    options.join(" ") || "default options",
    `${count(tokens)} tokens, sees ${formatPercent(density)}`,
    recall ? `${divergence}, median recall ${recall.median.toFixed(3)}` : divergence,
  ];
}

type Place = Readonly<Record<"x" | "y" | "width" | "height", number>>;

function cell({ layer, head, density, recall }: SparseHead, place: Place): string {
  const { fill, ink } = shadeOf(density);
  const captured = recall === undefined ? "" : `, median recall ${recall.toFixed(3)}`;
  const title = `layer ${layer}, head ${head}: sees ${formatPercent(density)}${captured}`;
  const middle = { x: place.x + place.width / 2, y: place.y + place.height / 2 + 3.5, "text-anchor": "middle" };
  return element(
    "g",
    {},
    textElement("title", {}, title),
    element("rect", { ...place, rx: 2, fill }),
    textElement("text", { ...middle, "font-size": 10, fill: ink }, formatWholeScore(density)),
  );
}

function legend(x: number, y: number, text: string): string {
  const steps = 40;
  const width = 220;
  const ramp = Array.from({ length: steps }, (_, i) =>
    element("rect", {
      ...{ x: x + (width * i) / steps, y: y - 16, width: width / steps + 0.5, height: 10 },
      fill: shadeOf((i + 0.5) / steps).fill,
    }),
  );
  const marks = [0, 0.5, 1].map((share) => axisText(formatPercent(share), x + width * share, y + 8, "middle"));
  return [...ramp, ...marks, axisText(text, x, y + 24, "start")].join("");
}
