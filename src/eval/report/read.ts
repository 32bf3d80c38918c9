/** A run's folder read back without its answers: what was asked for, how far it came, and what its written report says. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { defaultPlan } from "../../context/plan.ts";
import { InputError } from "../../runtime/errors.ts";
import { readRun } from "../run/log.ts";
import type { Summary } from "../summary/index.ts";
import type { PromptMode, RunInfo } from "../types.ts";
import { nameRuns } from "./html/runs.ts";

export interface KeptReport {
  /** finished: the report is about all answers of the log. A run of which samples could not be made is finished as well. */
  readonly state: "finished" | "unfinished";
  readonly model: string;
  /** As JSON; null for an endpoint, which has its own. */
  readonly plan: unknown;
  /** What it says beyond the default plan, which is called exact. */
  readonly planName: string | null;
  readonly mode: PromptMode;
  readonly tasks: readonly string[];
  readonly lengths: readonly number[];
  readonly startedAt: string;
  /** Version. */
  readonly longspan: string;
  /** Samples that were asked for, and answers in the log. */
  readonly asked: number;
  readonly answered: number;
  /** By length, over all tasks that are no controls; none where nothing is finished. */
  readonly means: readonly { readonly length: number; readonly tasks: number; readonly score: number }[];
  /** Whether there is a report.html about all answers. */
  readonly hasPage: boolean;
  readonly summary: Summary | null;
}

/** Throws where the folder holds no run, or a damaged one. */
export function readReport(folder: string): KeptReport {
  const info = readJson(folder, "run.json") as RunInfo;
  const answered = linesOf(join(folder, "results.jsonl"));
  const summary = summaryOf(folder, answered);
  // Throws for a line that is no JSON, which a summary of all lines rules out.
  if (!summary) readRun(folder);
  return {
    state: summary ? "finished" : "unfinished",
    model: info.backend.name,
    plan: info.plan ?? null,
    planName: planNameOf(info),
    mode: info.mode,
    tasks: info.tasks.map(({ id }) => id),
    lengths: info.lengths,
    startedAt: info.startedAt,
    longspan: info.longspan,
    asked: info.tasks.length * Object.values(info.samples).reduce((sum, count) => sum + count, 0),
    answered,
    means: summary ? meansOf(summary) : [],
    hasPage: summary !== null && existsSync(join(folder, "report.html")),
    summary,
  };
}

/** report.html as it was written; undefined where there is none. */
export function readReportPage(folder: string): Uint8Array<ArrayBuffer> | undefined {
  const path = join(folder, "report.html");
  return existsSync(path) ? new Uint8Array(readFileSync(path)) : undefined;
}

/** Null where none was written since the last answer came. */
function summaryOf(folder: string, answered: number): Summary | null {
  if (!existsSync(join(folder, "summary.json"))) return null;
  const summary = readJson(folder, "summary.json") as Summary;
  return summary.totals.samples + summary.totals.truncated === answered ? summary : null;
}

function meansOf({ lengths, families }: Summary): KeptReport["means"] {
  return lengths.flatMap((length) => {
    const macros = families.flatMap((family) => family.macros.filter((macro) => macro.length === length));
    const tasks = macros.reduce((sum, macro) => sum + macro.tasks, 0);
    return tasks === 0
      ? []
      : [{ length, tasks, score: macros.reduce((sum, macro) => sum + macro.tasks * macro.score, 0) / tasks }];
  });
}

/** As the run is called in a report beside one under the default plan: by what differs, else by its model. */
function planNameOf(info: RunInfo): string | null {
  if (info.plan === undefined) return null;
  const [, { name }] = nameRuns([{ info: { ...info, plan: defaultPlan } }, { info }]);
  return name.startsWith(info.backend.name) ? "exact" : name;
}

function readJson(folder: string, name: string): unknown {
  const path = join(folder, name);
  if (!existsSync(path)) throw new InputError(`${name}: expected what \`longspan eval run\` writes, got no such file.`);
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    throw new InputError(`${name}: expected JSON, got something else, or a part of it. Run the evaluation again.`);
  }
}

/** Whole lines: what a killed process left of one does not count. */
function linesOf(path: string): number {
  if (!existsSync(path)) return 0;
  const text = readFileSync(path);
  let lines = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines++;
  return lines;
}
