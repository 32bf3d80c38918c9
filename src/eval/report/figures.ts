/** Figures for people: scores in percent, lengths in K. */
import type { Interval } from "../statistics/interval.ts";

/** 4096 -> 4K, 1536 -> 1.5K, 1000 -> 1000. K is 1,024 tokens. */
export function formatLength(tokens: number): string {
  return tokens >= 1024 && tokens % 256 === 0 ? `${Number((tokens / 1024).toFixed(2))}K` : String(tokens);
}

/** A length that was computed, to two digits: 5421 -> 5.3K. */
export function formatRoughLength(tokens: number): string {
  return tokens < 1024 ? String(Math.round(tokens)) : `${Number((tokens / 1024).toPrecision(2))}K`;
}

/** 0.8765 -> 87.7 */
export function formatScore(score: number): string {
  return (100 * score).toFixed(1);
}

/** 0.031 -> +3.1; percentage points. */
export function formatPoints(difference: number): string {
  const text = (100 * difference).toFixed(1);
  return Number(text) === 0 ? "0.0" : difference > 0 ? `+${text}` : text;
}

/** 87.7 ±6.1; half the width of the interval, which need not be even on both sides. */
export function formatScoreWithHalfWidth(score: number, { low, high }: Interval): string {
  const half = 50 * (high - low);
  return `${formatScore(score)} ±${half >= 9.95 ? Math.round(half) : half.toFixed(1)}`;
}

export function formatP(p: number): string {
  return p < 0.001 ? "< 0.001" : p.toFixed(3);
}
