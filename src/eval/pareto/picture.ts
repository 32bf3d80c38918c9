/** A sweep as one SVG: quality over the share that is kept, a panel for each allocation and for what the scorer has seen. */
import { scaleLog } from "d3-scale";
import { type Frame, lineChart, plotRange } from "../report/charts/line-chart.ts";
import { drawing, element, textElement } from "../report/charts/markup.ts";
import { formatScore } from "../report/charts/numbers.ts";
import type { SweepResult, SweepRow } from "./types.ts";

const frame: Frame = { width: 460, height: 300, labelWidth: 170 };
const titleHeight = 28;

export function sweepPicture(result: SweepResult): string {
  const { rows, full, model, samples, meanTokens } = result;
  const allocations = [...new Set(rows.map(({ allocation }) => allocation))];
  const known = [...new Set(rows.map(({ questionKnown }) => questionKnown))];
  const panels = known.flatMap((questionKnown, row) =>
    allocations.map((allocation, column) => {
      const own = rows.filter((each) => each.questionKnown === questionKnown && each.allocation === allocation);
      const title = `${allocation}, question ${questionKnown ? "seen" : "not seen"}`;
      const place = `translate(${column * frame.width},${titleHeight + row * (frame.height + titleHeight)})`;
      return element(
        "g",
        { transform: place },
        textElement("text", { x: 32, y: -8, "font-weight": 600, fill: "currentColor" }, title),
        panel(own, full.quality, title),
      );
    }),
  );
  const label = `Quality under ways of dropping: ${model}, ${samples} prompts of ${meanTokens} tokens`;
  const width = allocations.length * frame.width;
  const height = known.length * (frame.height + titleHeight);
  const paper = element("rect", { width, height, fill: "white" });
  return drawing(width, height, label, paper, element("g", { color: "#1a1a1a", fill: "currentColor" }, ...panels));
}

function panel(rows: readonly SweepRow[], full: number, title: string): string {
  const shares = [...new Set(rows.map(({ share }) => share))].sort((a, b) => a - b);
  const [left, right] = plotRange(frame);
  const scale = scaleLog()
    .base(2)
    .domain([shares[0], shares[shares.length - 1]])
    .range([left + 10, right]);
  const scores = [...new Set(rows.map(({ score }) => score))];
  const curves = scores.map((score, series) => ({
    label: score,
    series,
    points: rows
      .filter((row) => row.score === score)
      .sort((a, b) => a.share - b.share)
      .map(({ share: x, quality, n }) => ({ x, score: quality, n })),
  }));
  const format = (share: number) => `${formatScore(share)} %`;
  return lineChart({ label: title, curves, frame, threshold: full, axis: { scale, ticks: shares, format } });
}
