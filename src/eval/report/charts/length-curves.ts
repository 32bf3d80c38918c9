/** Score over context length, on a log2 axis: a line a run, or a line a task. */
import { scaleLog } from "d3-scale";
import { type Curve, type Frame, lineChart, plotRange } from "./line-chart.ts";
import { formatLength } from "./numbers.ts";

export interface LengthCurvesOptions {
  readonly label: string;
  /** x is the length in tokens. */
  readonly curves: readonly Curve[];
  /** Score of a threshold line, 0 to 1. */
  readonly threshold?: number;
  readonly frame?: Frame;
}

const wide: Frame = { width: 760, height: 320, labelWidth: 160 };

export function lengthCurves({ label, curves, threshold, frame = wide }: LengthCurvesOptions): string {
  const lengths = [...new Set(curves.flatMap((curve) => curve.points.map((point) => point.x)))].sort((a, b) => a - b);
  const [left, right] = plotRange(frame);
  const first = lengths[0] ?? 1;
  const last = lengths.at(-1) ?? 2;
  // One length alone stands in the middle of an octave to both sides.
  const domain = first === last ? [first / 2, last * 2] : [first, last];
  const scale = scaleLog()
    .base(2)
    .domain(domain)
    .range([left + 10, right]);
  const ticks = thinned(lengths, (length) => scale(length));
  return lineChart({ label, curves, threshold, frame, axis: { scale, ticks, format: formatLength } });
}

/** Ticks that leave room for their text; the last one always stays. */
function thinned(values: readonly number[], place: (value: number) => number): number[] {
  const kept: number[] = [];
  for (const value of [...values].reverse()) {
    const next = kept.at(-1);
    if (next === undefined || place(next) - place(value) >= 34) kept.push(value);
  }
  return kept.reverse();
}
