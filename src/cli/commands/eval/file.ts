/** longspan eval file SAMPLES.jsonl: questions of the user's own, or a benchmark's file, scored as the benchmark says. */
import { Command, Option } from "commander";
import { openHaystack } from "../../../eval/haystack.ts";
import { loaders } from "../../../eval/loaders/index.ts";
import { createCell, samplesOf } from "../../../eval/run/samples.ts";
import { InputError } from "../../../runtime/errors.ts";
import { wholeNumber } from "../../arguments.ts";
import { interruptible } from "../../interrupt.ts";
import { addSourceOptions, addTargetOptions } from "./options.ts";
import { addRunOptions, type RunCommandOptions, runOn } from "./run.ts";
import { openTarget } from "./target.ts";

interface FileOptions extends RunCommandOptions {
  format: string;
  limit?: number;
  maxTokens?: number;
}

const EXAMPLES = `
Without --format every line is {"input": …, "answer_prefix"?: …, "outputs": […]}:
the prompt is put raw (no chat markup), the answer is greedy, and its score is
the share of the outputs that it contains, ignoring case (string_match_all).

Examples:
  $ longspan eval file samples.jsonl
  $ longspan eval file samples.jsonl --model smollm2-135m --max-tokens 64 --json
  $ longspan eval file hotpotqa.jsonl --format longbench --limit 50`;

export function fileCommand(): Command {
  const command = new Command("file")
    .description("score a model on a file of samples")
    .argument("<samples.jsonl>", "JSON lines");
  addSourceOptions(addTargetOptions(command));
  return addRunOptions(command)
    .addOption(new Option("--format <format>", "whose file it is").choices(Object.keys(loaders)).default("file"))
    .option("--limit <n>", "only the first n samples", wholeNumber("--limit", 1))
    .option("-n, --max-tokens <n>", "longest answer where a line does not say", wholeNumber("--max-tokens", 1))
    .addHelpText("after", EXAMPLES)
    .action(evaluateFile);
}

async function evaluateFile(path: string, options: FileOptions): Promise<void> {
  const { signal } = interruptible();
  const task = await loaders[options.format].load(path, { maxTokens: options.maxTokens });
  const count = Math.min(task.sampleCount, options.limit ?? task.sampleCount);
  if (count === 0) throw new InputError(`${path}: expected at least one sample, got none. Give a line.`);
  const mode = options.mode ?? task.mode;
  const target = await openTarget({ ...options, mode }, signal);
  try {
    // A file's prompts are as long as they are: the length of a row is the model's context.
    const [backend] = target.backends;
    const lengths = [backend.contextLength];
    const source = { seed: options.seed, haystack: await openHaystack(options.haystack), files: options.data };
    const sampleAt = samplesOf(task, createCell(backend, task, lengths[0], count, source));
    const sizes = Array.from({ length: count }, (_, index) => {
      const { promptTokens, maxTokens } = sampleAt(index);
      return promptTokens + maxTokens;
    });
    await runOn(target, { tasks: [task], lengths, samples: () => count, sizes }, options, signal);
  } finally {
    await target.dispose();
  }
}
