/** longspan eval pareto: quality against size for every score, allocation and budget, on the same prompts. */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { Command } from "commander";
import { cacheAllocations } from "../../../context/cache/allocation/registry.ts";
import { cacheScores } from "../../../context/cache/score/registry.ts";
import type { Choice } from "../../../context/technique.ts";
import { openHaystack } from "../../../eval/haystack.ts";
import { type SweepResult, sweep, sweepPicture, sweepText } from "../../../eval/pareto/index.ts";
import { counterOf } from "../../../eval/prompt.ts";
import { createCell, samplesOf } from "../../../eval/run/samples.ts";
import { findTasks } from "../../../eval/tasks/registry.ts";
import type { PromptMode } from "../../../eval/types.ts";
import { InputError } from "../../../runtime/errors.ts";
import { hasChat } from "../../../tokenizer/chat-template.ts";
import { wholeNumber } from "../../arguments.ts";
import { interruptible } from "../../interrupt.ts";
import { findModel, loadEngine } from "../../model.ts";
import { addModelOption, addThreadsOption, type ThreadsOptions } from "../../options.ts";
import { write } from "../../output.ts";
import { progressBar } from "../../progress.ts";
import { addSourceOptions, choicesOf, lengthsArgument, type SourceOptions } from "./options.ts";

interface ParetoOptions extends ThreadsOptions, SourceOptions {
  model: string;
  lengths: number[];
  samples: number;
  scores: Choice[];
  allocations: Choice[];
  shares: number[];
  question: "seen" | "not-seen" | "both";
  mode?: PromptMode;
  out?: string;
  resume?: true;
  picture?: string;
  json?: true;
}

const EXAMPLES = `
Each prompt is read once; every way of dropping works on a copy of what was read.
Quality is the tasks' own score; KL is measured along the full cache's answer.

Examples:
  $ longspan eval pareto --lengths 2k --samples 2
  $ longspan eval pareto niah_single_2 --scores snapkv,key-diff,random --picture pareto.svg
  $ longspan eval pareto --lengths 8k --samples 5 --out pareto.json --picture pareto.svg
  $ longspan eval pareto --lengths 8k --samples 5 --out pareto.json --resume   # after Ctrl-C`;

export function paretoCommand(): Command {
  const command = new Command("pareto")
    .description("quality against size for every score, allocation and budget of the cache")
    .argument("[tasks...]", "task ids or families", ["niah_single_2", "niah_multikey_1", "niah_multivalue"]);
  return addSourceOptions(addThreadsOption(addModelOption(command)))
    .option("-l, --lengths <n,n,…>", "tokens of prompt and answer together: 4096 or 4k", lengthsArgument, [2048])
    .option("-s, --samples <n>", "samples of each task at each length", wholeNumber("--samples", 1), 3)
    .option(
      "--scores <ids>",
      "ids with commas, or a JSON array of choices (default: all that need no calibration)",
      choicesOf(cacheScores),
    )
    .option("--allocations <ids>", "the same for allocations", choicesOf(cacheAllocations), ["uniform", "adaptive"])
    .option("--shares <s,s,…>", "shares of the tokens that are kept", sharesArgument, [0.5, 0.25, 0.125])
    .option("--question <which>", "whether the scorer sees the question: seen, not-seen or both", "both")
    .option("--out <file>", "write the result as JSON, after each sample")
    .option("--resume", "take the samples that are in --out already from there")
    .option("--picture <file>", "write a picture as SVG")
    .option("--json", "print one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(compareAll);
}

async function compareAll(names: string[], options: ParetoOptions): Promise<void> {
  const { signal } = interruptible();
  const { lengths, samples: count, allocations, shares } = options;
  const questionKnown = { seen: [true], "not-seen": [false], both: [false, true] }[options.question];
  if (!questionKnown)
    throw new InputError(`--question: expected seen, not-seen or both, got "${options.question}". Give one of them.`);
  const tasks = new Map(findTasks(names, options.data).map((task) => [task.id, task]));
  const haystack = await openHaystack(options.haystack);
  const file = await findModel(options.model, signal);
  const { tokenizer } = file;
  const mode = hasChat(tokenizer) ? "chat+prefill" : "raw";
  const counter = counterOf(tokenizer, mode);
  const source = { seed: options.seed, haystack, files: options.data };
  const samples = lengths.flatMap((length) =>
    [...tasks.values()].flatMap((task) => {
      const sampleAt = samplesOf(task, createCell(counter, task, length, count, source));
      return Array.from({ length: count }, (_, index) => sampleAt(index));
    }),
  );
  const { scores = standardScores(), out } = options;
  const earlier = options.resume && readResult(out);

  const engine = await loadEngine(file, { threads: options.threads, signal });
  try {
    const { name } = engine.model;
    if (earlier && earlier.model !== name)
      throw new InputError(
        `--resume: expected a result of ${name} in ${out}, got one of ${earlier.model}. Pass another --out.`,
      );
    let bar: ReturnType<typeof progressBar> | undefined;
    const result = await sweep(engine, {
      ...{ samples, scores, allocations, shares, questionKnown, mode, signal },
      score: (output, sample) => tasks.get(sample.task)?.score(output, sample),
      done: earlier?.tried,
      onResult: (result) => out && writeResult(out, result),
      onProgress(done, total) {
        bar ??= progressBar(process.stderr, { label: "trying", total, unit: "plans" });
        bar.update(done);
      },
    }).finally(() => bar?.finish());
    if (out) writeResult(out, result);
    if (options.picture) writeFileSync(options.picture, `${sweepPicture(result)}\n`);
    await write(options.json ? `${JSON.stringify(result)}\n` : sweepText(result, process.stdout.columns));
  } finally {
    await engine.dispose();
  }
}

function writeResult(path: string, result: SweepResult): void {
  writeFileSync(`${path}.part`, `${JSON.stringify(result, undefined, 1)}\n`);
  renameSync(`${path}.part`, path);
}

function readResult(path: string | undefined): SweepResult | undefined {
  if (path === undefined) throw new InputError("--resume: expected a result in --out, got no --out. Pass --out FILE.");
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, "utf8")) as SweepResult;
  } catch {
    throw new InputError(`--resume: expected JSON in ${path}, got something else. Pass another --out.`);
  }
}

/** All scores that need nothing measured before. */
function standardScores(): Choice[] {
  return cacheScores.members
    .filter(({ id, options, needs }) => id !== "keep-all" && !needs?.(options.parse({ method: id })).calibration)
    .map(({ id }) => id);
}

function sharesArgument(text: string): number[] {
  const shares = text.split(",").map(Number);
  if (!shares.every((share) => share > 0 && share < 1))
    throw new InputError(
      `--shares: expected numbers between 0 and 1 with commas, got "${text}". For example 0.5,0.25.`,
    );
  return shares;
}
