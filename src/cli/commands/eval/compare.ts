/** longspan eval compare A B: what really differs between two runs on the same samples. */
import { Command } from "commander";
import { comparisonText } from "../../../eval/report/terminal.ts";
import { readRun } from "../../../eval/run/log.ts";
import { compareRuns, worse } from "../../../eval/summary/index.ts";
import { decimalNumber } from "../../arguments.ts";
import { write } from "../../output.ts";
import { hasColor } from "./print.ts";

interface CompareOptions {
  failBelow?: number;
  json?: true;
}

const EXAMPLES = `
Both runs must have answered the same prompts: same tasks, lengths, seed and
haystack. Differences are paired by sample; p-values are adjusted for the number
of comparisons (Holm), and only what survives that is said to differ.

Examples:
  $ longspan eval compare runs/exact runs/q8
  $ longspan eval compare runs/before runs/after --fail-below 3   # exit code 1 if really worse by 3 points`;

export function compareCommand(): Command {
  return new Command("compare")
    .description("say what really differs between two runs on the same samples")
    .argument("<a>", "folder of a run")
    .argument("<b>", "folder of the run that is compared with it")
    .option(
      "--fail-below <points>",
      "exit with 1 if B is really worse by more than this many points of 100",
      decimalNumber("--fail-below", 0, 100),
    )
    .option("--json", "print one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(compare);
}

async function compare(a: string, b: string, options: CompareOptions): Promise<void> {
  const comparison = compareRuns(readRun(a).rows, readRun(b).rows);
  if (options.json) await write(`${JSON.stringify(comparison)}\n`);
  else await write(`${comparisonText(comparison, { columns: process.stdout.columns ?? 100, color: hasColor() })}\n`);
  if (options.failBelow !== undefined && worse(comparison, options.failBelow).length > 0) process.exitCode = 1;
}
