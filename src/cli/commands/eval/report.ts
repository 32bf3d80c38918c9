/** longspan eval report RUNS…: tables here, and a page to open in a browser. */
import { resolve } from "node:path";
import { Command } from "commander";
import { summaryText } from "../../../eval/report/terminal.ts";
import { writeReport } from "../../../eval/report/write.ts";
import { readRun } from "../../../eval/run/log.ts";
import { summarize } from "../../../eval/summary/index.ts";
import { write } from "../../output.ts";
import { hasColor } from "./print.ts";

export function reportCommand(): Command {
  return new Command("report")
    .description("draw the report of one run, or of several side by side")
    .argument("<folders...>", "folders of runs")
    .option("-o, --out <folder>", "where the files go (default: the first run's folder)")
    .option("--json", "print one JSON array of {info, summary}")
    .addHelpText(
      "after",
      `
Writes report.html (one file, no network), cells.csv, samples.csv and summary.json.

Examples:
  $ longspan eval report runs/exact
  $ longspan eval report runs/exact runs/q8 --out comparison`,
    )
    .action(report);
}

async function report(folders: string[], { out, json }: { out?: string; json?: true }): Promise<void> {
  const written = writeReport(
    folders.map((folder) => resolve(folder)),
    out && resolve(out),
  );
  const runs = folders.map((folder) => {
    const { info, rows } = readRun(folder);
    return { info, summary: summarize(rows) };
  });
  if (json) await write(`${JSON.stringify(runs)}\n`);
  else
    for (const { info, summary } of runs) {
      await write(`${info.backend.name}${info.plan === undefined ? "" : `, plan ${JSON.stringify(info.plan)}`}\n`);
      await write(`${summaryText(summary, { columns: process.stdout.columns ?? 100, color: hasColor() })}\n`);
    }
  process.stderr.write(`report: ${written.html}\n`);
}
