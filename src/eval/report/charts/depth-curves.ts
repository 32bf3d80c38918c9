/** Score over the depth of what must be found: a U where the middle is lost (Liu et al. 2023, "Lost in the Middle"). */
import { scaleLinear } from "d3-scale";
import { type Curve, type Frame, lineChart, plotRange } from "./line-chart.ts";
import { formatPercent } from "./numbers.ts";

export interface DepthCurvesOptions {
  readonly label: string;
  /** x is the depth, 0 (beginning) to 1 (end). */
  readonly curves: readonly Curve[];
  readonly frame?: Frame;
}

const small: Frame = { width: 420, height: 240, labelWidth: 0 };

export function depthCurves({ label, curves, frame = small }: DepthCurvesOptions): string {
  const [left, right] = plotRange(frame);
  const scale = scaleLinear([0, 1], [left + 10, right - 6]);
  return lineChart({ label, curves, frame, axis: { scale, ticks: [0, 0.25, 0.5, 0.75, 1], format: formatPercent } });
}
