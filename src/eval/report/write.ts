/** The report of runs, as files beside the log of the first: report.html, cells.csv, samples.csv, summary.json. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../runtime/errors.ts";
import { readRun } from "../run/log.ts";
import { type Comparison, compareRuns, summarize } from "../summary/index.ts";
import type { Row } from "../types.ts";
import { cellsCsv, rowsCsv } from "./csv.ts";
import { htmlReport } from "./html/index.ts";

export interface WrittenReport {
  readonly html: string;
  readonly files: readonly string[];
}

/** Writes the report of one or more runs into `out` (default: the first run's folder). */
export function writeReport(folders: readonly string[], out: string = folders[0]): WrittenReport {
  const runs = folders.map((folder) => {
    const { info, rows } = readRun(folder);
    return { info, rows, summary: summarize(rows) };
  });
  const files: [name: string, text: string][] = [
    ["report.html", htmlReport(runs, {}, comparisonOf(runs))],
    ["cells.csv", cellsCsv(runs[0].summary)],
    ["samples.csv", rowsCsv(runs[0].rows)],
    ["summary.json", `${JSON.stringify(runs[0].summary, undefined, 2)}\n`],
  ];
  for (const [name, text] of files) writeFileSync(join(out, name), text);
  return { html: join(out, "report.html"), files: files.map(([name]) => join(out, name)) };
}

/** Of two runs on the same samples; there is nothing to compare where they share none. */
function comparisonOf(runs: readonly { rows: readonly Row[] }[]): Comparison | undefined {
  if (runs.length !== 2) return undefined;
  try {
    return compareRuns(runs[0].rows, runs[1].rows);
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}
