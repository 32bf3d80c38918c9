/** longspan eval: how well a model under a plan, or an endpoint, uses a long context. */
import { Command } from "commander";
import { compareCommand } from "./compare.ts";
import { fileCommand } from "./file.ts";
import { formatsCommand } from "./formats.ts";
import { kvCommand } from "./kv.ts";
import { memoryCommand } from "./memory.ts";
import { paretoCommand } from "./pareto.ts";
import { perplexityCommand } from "./perplexity.ts";
import { positionsCommand } from "./positions.ts";
import { reportCommand } from "./report.ts";
import { reuseCommand } from "./reuse.ts";
import { runCommand } from "./run.ts";
import { samplesCommand } from "./samples.ts";
import { sparseCommand } from "./sparse.ts";
import { tasksCommand } from "./tasks.ts";

const EXAMPLES = `
Examples:
  $ longspan eval tasks
  $ longspan eval run --tier smoke
  $ longspan eval run ruler --lengths 4k,8k --samples 25 --out runs/exact
  $ longspan eval compare runs/exact runs/other
  $ longspan eval file samples.jsonl --model smollm2-135m`;

export function evalCommand(): Command {
  const command = new Command("eval")
    .description("measure how well a model uses a long context")
    .addHelpText("after", EXAMPLES);
  for (const sub of [
    tasksCommand(),
    runCommand(),
    fileCommand(),
    perplexityCommand(),
    kvCommand(),
    paretoCommand(),
    formatsCommand(),
    positionsCommand(),
    sparseCommand(),
    reuseCommand(),
    memoryCommand(),
    compareCommand(),
    reportCommand(),
    samplesCommand(),
  ])
    command.addCommand(sub);
  return command;
}
