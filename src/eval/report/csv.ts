/** Cells and rows as CSV by RFC 4180: commas, CRLF, quotes doubled; the first line has the names. */
import type { Summary } from "../summary/index.ts";
import type { Row } from "../types.ts";

type Value = string | number | boolean | undefined;

/** One line a task and length. Scores from 0 to 1. */
export function cellsCsv(summary: Summary): string {
  const cells = summary.families.flatMap(({ tasks }) => tasks.flatMap(({ cells }) => cells));
  const names = [...new Set(cells.flatMap(({ scores }) => Object.keys(scores)))].filter((name) => name !== "score");
  return csv(
    cells.map((cell) => ({
      family: cell.family,
      task: cell.task,
      length: cell.length,
      mode: cell.mode,
      n: cell.n,
      truncated: cell.truncated,
      score: cell.score,
      low: cell.interval?.low,
      high: cell.interval?.high,
      method: cell.method,
      fill: cell.fill,
      promptTokens: cell.promptTokens,
      cachedTokens: cell.cachedTokens,
      outputTokens: cell.outputTokens,
      seconds: cell.seconds,
      ...Object.fromEntries(names.map((name) => [`scores.${name}`, cell.scores[name]])),
    })),
  );
}

/** One line a sample; references and facts are JSON. */
export function rowsCsv(rows: readonly Row[]): string {
  const names = [...new Set(rows.flatMap(({ scores }) => Object.keys(scores)))].filter((name) => name !== "score");
  return csv(
    rows.map((row) => ({
      family: row.family,
      task: row.task,
      length: row.length,
      index: row.index,
      mode: row.mode,
      group: row.group,
      depth: row.depth,
      promptHash: row.promptHash,
      promptTokens: row.promptTokens,
      maxTokens: row.maxTokens,
      fill: row.fill,
      score: row.score,
      ...Object.fromEntries(names.map((name) => [`scores.${name}`, row.scores[name]])),
      finish: row.finish,
      truncated: row.truncated ?? false,
      fromCache: row.fromCache ?? false,
      attempts: row.attempts,
      cachedTokens: row.usage.cachedTokens,
      outputTokens: row.usage.outputTokens,
      prefillSeconds: row.usage.prefillSeconds,
      decodeSeconds: row.usage.decodeSeconds,
      seconds: row.usage.seconds,
      question: row.question,
      references: JSON.stringify(row.references),
      output: row.output,
      facts: row.facts && JSON.stringify(row.facts),
    })),
  );
}

function csv(records: readonly Readonly<Record<string, Value>>[]): string {
  if (records.length === 0) return "";
  const names = Object.keys(records[0]);
  return [names, ...records.map((record) => names.map((name) => record[name]))]
    .map((values) => `${values.map(field).join(",")}\r\n`)
    .join("");
}

function field(value: Value): string {
  const text = value === undefined ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
