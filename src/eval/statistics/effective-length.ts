/**
 * How long the context really is, in three definitions, each monotone: a length counts only if all shorter ones pass.
 *   absolute: score >= 85.6 %, Llama-2-7B-chat at 4K (RULER, arXiv:2404.06654).
 *   relative: score >= 0.85 of the model's own base, its mean at 1K and below (NoLiMa, arXiv:2502.05167).
 *   statistical: the same for the lower end of the 95 % interval of score - 0.85 base (MOVER).
 * Between the last length that passes and the first that fails, the margin is interpolated over log2 length.
 */
import type { Interval } from "./interval.ts";
import { meanOfEstimates, weightedSum } from "./mover.ts";

export const absoluteThreshold = 0.856;
export const retention = 0.85;
/** Lengths that make the base; a run without any takes its shortest. */
export const longestBase = 1024;

/** Mean score over tasks at one length in tokens. */
export interface CurvePoint {
  readonly length: number;
  readonly score: number;
  readonly interval: Interval;
}

export interface EffectiveLength {
  readonly rule: "absolute" | "relative" | "statistical";
  /** Score that must be reached at every length up to the effective one. */
  readonly threshold: number;
  /** Lengths whose mean is the base of the relative rules. */
  readonly baseLengths?: readonly number[];
  /** Longest tested length that passes, with all shorter ones; absent where the shortest fails. */
  readonly tested?: number;
  /** The same between the tested lengths, on a log2 scale. */
  readonly interpolated?: number;
  /** Nothing tested failed: the effective length may be longer. */
  readonly open: boolean;
  /**
   * Interpolated lengths of the lower and of the upper ends of the scores' intervals. An absent `low` lies below the
   * shortest tested length, an absent `high` above the longest; no interval: even the upper end lies below.
   */
  readonly interval?: Partial<Interval>;
}

/** The three effective lengths of a curve by ascending length, with at least one point. */
export function effectiveLengths(points: readonly CurvePoint[]): EffectiveLength[] {
  const short = points.filter(({ length }) => length <= longestBase);
  const base = short.length > 0 ? short : points.slice(0, 1);
  const baseLengths = base.map(({ length }) => length);
  const { value: baseScore, interval: baseInterval } = meanOfEstimates(
    base.map(({ score, interval }) => ({ value: score, interval })),
  );
  const threshold = retention * baseScore;
  const absolute = (pick: (point: CurvePoint) => number) =>
    crossing(points.map((point) => ({ length: point.length, margin: pick(point) - absoluteThreshold })));

  // The base is the yardstick of the others; it has no doubt about itself.
  const margins = points.map((point) => {
    const margin = point.score - threshold;
    if (base.includes(point)) return { length: point.length, low: margin, margin, high: margin };
    const { interval } = weightedSum([
      { weight: 1, value: point.score, interval: point.interval },
      { weight: -retention, value: baseScore, interval: baseInterval },
    ]);
    return { length: point.length, low: interval.low, margin, high: interval.high };
  });
  // A model that scores nothing keeps all of nothing.
  const relative = (end: "low" | "margin" | "high") =>
    baseScore === 0 ? { open: false } : crossing(margins.map((m) => ({ length: m.length, margin: m[end] })));

  return [
    {
      rule: "absolute",
      threshold: absoluteThreshold,
      ...absolute(({ score }) => score),
      ...band(
        absolute(({ interval }) => interval.low),
        absolute(({ interval }) => interval.high),
      ),
    },
    {
      rule: "relative",
      threshold,
      baseLengths,
      ...relative("margin"),
      ...band(relative("low"), relative("high")),
    },
    { rule: "statistical", threshold, baseLengths, ...relative("low") },
  ];
}

/** Mean score over log2 length, by trapezoids; at least two points of ascending length. */
export function areaScore(points: readonly Omit<CurvePoint, "interval">[]): number {
  const x = points.map(({ length }) => Math.log2(length));
  const pieces = points.slice(1).map(({ score }, i) => ((points[i].score + score) / 2) * (x[i + 1] - x[i]));
  return pieces.reduce((sum, piece) => sum + piece, 0) / (x[x.length - 1] - x[0]);
}

type Crossing = Pick<EffectiveLength, "tested" | "interpolated" | "open">;

/** Where a margin first falls below zero. */
function crossing(points: readonly { readonly length: number; readonly margin: number }[]): Crossing {
  // Scores such as 17/20 against 0.85 must not fail by rounding.
  const failed = points.findIndex(({ margin }) => margin < -1e-9);
  if (failed === 0) return { open: false };
  const last = points[failed === -1 ? points.length - 1 : failed - 1];
  if (failed === -1) return { tested: last.length, interpolated: last.length, open: true };
  const next = points[failed];
  const share = Math.max(0, last.margin) / (Math.max(0, last.margin) - next.margin);
  return { tested: last.length, interpolated: last.length * (next.length / last.length) ** share, open: false };
}

function band(low: Crossing, high: Crossing): Pick<EffectiveLength, "interval"> {
  if (high.interpolated === undefined) return {};
  return {
    interval: {
      ...(low.interpolated !== undefined && { low: low.interpolated }),
      ...(!high.open && { high: high.interpolated }),
    },
  };
}
