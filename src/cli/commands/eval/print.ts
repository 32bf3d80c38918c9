/** What a finished run prints: tables for people, or one JSON object. */
import { summaryText } from "../../../eval/report/terminal.ts";
import { readRun } from "../../../eval/run/log.ts";
import type { RunResult } from "../../../eval/run/runner.ts";
import { summarize } from "../../../eval/summary/index.ts";
import type { RunInfo } from "../../../eval/types.ts";
import { InputError } from "../../../runtime/errors.ts";
import { write } from "../../output.ts";
import { formatCount } from "../../statistics.ts";

export async function printSummary(
  result: RunResult,
  { info, folder, report, json }: { info: RunInfo; folder: string; report: string; json: boolean },
): Promise<void> {
  const summary = summarize(readRun(folder).rows);
  if (json) {
    const { failed, skipped, ownSeconds } = result;
    await write(`${JSON.stringify({ info, folder, report, failed, skipped, ownSeconds, summary })}\n`);
  } else {
    await write(`${summaryText(summary, { columns: process.stdout.columns ?? 100, color: hasColor() })}\n`);
    process.stderr.write(`log and report: ${report}\n`);
  }
  if (result.failed > 0)
    throw new InputError(
      `eval: ${formatCount(result.failed)} samples were not answered. Pass --out ${folder} --resume to try them again.`,
    );
}

export function hasColor(): boolean {
  return Boolean(process.stdout.isTTY) && !process.env.NO_COLOR && process.env.TERM !== "dumb";
}
