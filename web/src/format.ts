/** Numbers for people. */

export function count(value: number): string {
  return Math.round(value).toLocaleString("en");
}

/** 0.4 s, 12 s, 3 min 20 s. */
export function seconds(value: number): string {
  if (value < 10) return `${value.toFixed(1)} s`;
  if (value < 60) return `${Math.round(value)} s`;
  const whole = Math.round(value);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** Of a share from 0 to 1; what is there is never called nothing. */
export function percent(share: number): string {
  if (share > 0 && share < 0.001) return "< 0.1 %";
  return share > 0 && share < 0.1 ? `${(100 * share).toFixed(1)} %` : `${Math.round(100 * share)} %`;
}

/** Of an ISO date, without its seconds. */
export function moment(date: string): string {
  return new Date(date).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

/** 4096 is 4K. */
export function kilo(tokens: number): string {
  return tokens >= 1024 && tokens % 256 === 0 ? `${Number((tokens / 1024).toFixed(2))}K` : String(tokens);
}

export function perSecond(tokens: number, duration: number): string {
  const rate = tokens / Math.max(duration, 1e-3);
  return `${rate < 10 ? rate.toFixed(1) : count(rate)} tokens/s`;
}

export function bytes(value: number): string {
  return value < 1e6
    ? `${count(value / 1e3)} kB`
    : value < 1e9
      ? `${count(value / 1e6)} MB`
      : `${(value / 1e9).toFixed(1)} GB`;
}

/** White space is one space; no longer than `length`. */
export function oneLine(text: string, length: number): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length <= length ? line : `${line.slice(0, length - 1).trimEnd()}…`;
}
