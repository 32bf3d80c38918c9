/** Figures for people: speeds, durations, memory, and the line of statistics under an answer. */
import type { SpeculationCounts } from "../engine/types.ts";

export interface Statistics {
  readonly promptTokens: number;
  /** Of these, tokens that were already held and did not have to be read. */
  readonly cachedTokens: number;
  readonly outputTokens: number;
  readonly prefillSeconds: number;
  readonly decodeSeconds: number;
  /** Where the plan has tokens guessed. */
  readonly speculation?: SpeculationCounts;
  readonly peakBytes: number;
}

/** read 8,214 tokens in 71.2 s (115 tokens/s) · wrote 23 in 0.9 s (25.6 tokens/s) · peak memory 1.10 GB */
export function statisticsLine(statistics: Statistics): string {
  const { promptTokens, cachedTokens, outputTokens, prefillSeconds, decodeSeconds, speculation, peakBytes } =
    statistics;
  const held = cachedTokens > 0 ? ` (${formatCount(cachedTokens)} more were held)` : "";
  const read = promptTokens - cachedTokens;
  return [
    `read ${formatCount(read)} tokens${held} in ${formatSeconds(prefillSeconds)} (${formatSpeed(read, prefillSeconds)})`,
    `wrote ${formatCount(outputTokens)} in ${formatSeconds(decodeSeconds)} (${formatSpeed(outputTokens, decodeSeconds)})`,
    ...(speculation
      ? [`of ${formatCount(speculation.drafted)} guessed tokens ${formatCount(speculation.accepted)} were right`]
      : []),
    `peak memory ${formatBytes(peakBytes)}`,
  ].join(" · ");
}

/** The most memory that this process has held, weights, cache and Node itself included. */
export function peakBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}

export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}

export function formatSeconds(seconds: number): string {
  if (seconds < 100) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

export function formatSpeed(tokens: number, seconds: number): string {
  return `${formatRate(tokens, seconds)} tokens/s`;
}

/** Three digits are what such a measurement is good for. */
export function formatRate(tokens: number, seconds: number): string {
  if (tokens === 0 || seconds === 0) return "0";
  const rate = tokens / seconds;
  return rate >= 100 ? formatCount(Math.round(rate)) : rate.toPrecision(3);
}

export function formatBytes(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Columns by title, words begin on the left and numbers end on the right; as wide as their widest cell. */
export function formatTable(
  columns: Readonly<Record<string, "left" | "right">>,
  rows: readonly (readonly string[])[],
): string {
  const lines = [Object.keys(columns), ...rows];
  const formats = Object.values(columns).map((side, column) => {
    const width = Math.max(...lines.map((line) => line[column].length));
    return (cell: string) => (side === "left" ? cell.padEnd(width) : cell.padStart(width));
  });
  return lines
    .map((line) =>
      line
        .map((cell, column) => formats[column](cell))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
