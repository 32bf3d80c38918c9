/** Numbers as charts and tables print them, the same in every locale. Scores from 0 to 1 print as 0 to 100. */
import { formatScore } from "../figures.ts";

export { formatLength, formatRoughLength, formatScore } from "../figures.ts";

/** 1234567 is 1,234,567. */
export function formatCount(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** 0.876 is 88. */
export function formatWholeScore(score: number): string {
  return (100 * score).toFixed(0);
}

export function formatInterval(low: number, high: number): string {
  return `${formatScore(low)} to ${formatScore(high)}`;
}

/** With its sign; a true minus, and none on zero. */
export function formatDifference(difference: number): string {
  const text = formatScore(Math.abs(difference));
  if (Number(text) === 0) return text;
  return `${difference < 0 ? "−" : "+"}${text}`;
}

export function formatPercent(share: number): string {
  return `${Math.round(100 * share)}%`;
}

/** Three digits: 0.0123 s, 1.23 s, 123 s, 12 min, 3.4 h. */
export function formatSeconds(seconds: number): string {
  if (seconds >= 7200) return `${(seconds / 3600).toFixed(1)} h`;
  if (seconds >= 600) return `${Math.round(seconds / 60)} min`;
  return `${threeDigits(seconds)} s`;
}

/** 1536 is 1.5 KiB. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${threeDigits(bytes / 1024 ** power)} ${units[power]}`;
}

function threeDigits(value: number): string {
  if (value === 0) return "0";
  return value >= 100 ? formatCount(value) : String(Number(value.toPrecision(3)));
}
