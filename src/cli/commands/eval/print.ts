/** What a finished run prints: tables for people, or one JSON object. */
import type { Totals } from "../../../eval/backends/endpoint/index.ts";
import { summaryText } from "../../../eval/report/terminal.ts";
import { readRun } from "../../../eval/run/log.ts";
import type { RunResult } from "../../../eval/run/runner.ts";
import { summarize } from "../../../eval/summary/index.ts";
import { type SelfRoute, selfRoute } from "../../../eval/tasks/rag/self-route.ts";
import type { RunInfo } from "../../../eval/types.ts";
import { InputError } from "../../../runtime/errors.ts";
import { write } from "../../output.ts";
import { formatCount, formatTable } from "../../statistics.ts";

export async function printSummary(
  result: RunResult,
  {
    info,
    title,
    folder,
    report,
    totals,
    json,
  }: { info: RunInfo; title?: string; folder: string; report: string; totals?: Totals; json: boolean },
): Promise<void> {
  const { rows } = readRun(folder);
  const summary = summarize(rows);
  const routes = selfRoute(rows);
  if (json) {
    const { failed, skipped, ownSeconds } = result;
    await write(
      `${JSON.stringify({ info, folder, report, failed, skipped, ownSeconds, totals, summary, selfRoute: routes })}\n`,
    );
  } else {
    if (title !== undefined) await write(`== ${title}\n`);
    await write(`${summaryText(summary, { columns: process.stdout.columns ?? 100, color: hasColor() })}\n`);
    if (routes.length > 0) await write(`${routesText(routes)}\n`);
    if (totals) process.stderr.write(`${totalsLine(totals)}\n`);
    process.stderr.write(`log and report: ${report}\n`);
  }
  if (result.failed > 0)
    throw new InputError(
      `eval: ${formatCount(result.failed)} samples were not answered. Pass --out ${folder} --resume to try them again.`,
    );
}

function routesText(routes: readonly SelfRoute[]): string {
  const columns = {
    "self-route at": "right",
    accuracy: "right",
    "chunks alone": "right",
    "whole text": "right",
    "answered by chunks": "right",
    "tokens a question": "right",
    "whole text tokens": "right",
  } as const;
  const percent = (share: number) => (100 * share).toFixed(1);
  const rows = routes.map((route) => [
    formatCount(route.length),
    percent(route.accuracy),
    percent(route.ragAccuracy),
    percent(route.longAccuracy),
    percent(route.answeredByRag),
    formatCount(Math.round(route.promptTokens)),
    formatCount(Math.round(route.longPromptTokens)),
  ]);
  return formatTable(columns, rows);
}

function totalsLine({ answers, attempts, promptTokens, cachedTokens, outputTokens, cost }: Totals): string {
  const price = cost === undefined ? "" : `, cost ${cost.toPrecision(3)}`;
  return `endpoint: ${formatCount(answers)} answers in ${formatCount(attempts)} tries, ${formatCount(promptTokens)} prompt tokens (${formatCount(cachedTokens)} cached), ${formatCount(outputTokens)} output tokens${price}`;
}

export function hasColor(): boolean {
  return Boolean(process.stdout.isTTY) && !process.env.NO_COLOR && process.env.TERM !== "dumb";
}
