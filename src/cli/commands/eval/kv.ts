/** longspan eval kv: what a plan does to the model's predictions and answers, against a reference plan on the same prompts. */
import { Command } from "commander";
import type { Plan } from "../../../context/plan.ts";
import { openHaystack } from "../../../eval/haystack.ts";
import { documentSample, type KvQualitySample, kvQuality, kvQualityText } from "../../../eval/kv-quality/index.ts";
import { counterOf } from "../../../eval/prompt.ts";
import { createCell, samplesOf } from "../../../eval/run/samples.ts";
import { findTasks } from "../../../eval/tasks/registry.ts";
import { hasChat } from "../../../tokenizer/chat-template.ts";
import { planArgument, wholeNumber } from "../../arguments.ts";
import { interruptible } from "../../interrupt.ts";
import { findModel, loadEngine } from "../../model.ts";
import { write } from "../../output.ts";
import { progressBar } from "../../progress.ts";
import {
  addSourceOptions,
  addTargetOptions,
  lengthsArgument,
  type SourceOptions,
  type TargetOptions,
} from "./options.ts";

interface KvOptions extends TargetOptions, SourceOptions {
  reference?: Plan;
  lengths: number[];
  samples: number;
  continuation: number;
  questionKnown?: true;
  json?: true;
}

const EXAMPLES = `
Without tasks: needle_fact, and a piece of the haystack that goes on. Both plans
answer freely; then both score, token by token, what the reference wrote and what
the text goes on with: KL divergence, agreement of the likeliest token, change of
the probability. The question comes after the context has been read, unless
--question-known.

Examples:
  $ longspan eval kv --plan '{"cache":{"format":"q8"}}'
  $ longspan eval kv needle_fact niah_multikey_2 --lengths 4k,8k --samples 10 --json`;

export function kvCommand(): Command {
  const command = new Command("kv")
    .description("compare a plan's predictions and answers with those of a reference plan")
    .argument("[tasks...]", "task ids or families", ["needle_fact"]);
  return addSourceOptions(addTargetOptions(command))
    .option("--reference <json|file>", "plan to compare with (default: f32 pages, everything kept)", planArgument)
    .option("-l, --lengths <n,n,…>", "tokens of prompt and answer together: 4096 or 4k", lengthsArgument, [2048])
    .option("-s, --samples <n>", "samples of each task at each length", wholeNumber("--samples", 1), 5)
    .option("--continuation <n>", "tokens of text to go on with, 0 for none", wholeNumber("--continuation", 0), 128)
    .option("--question-known", "the question is there while the context is read")
    .option("--json", "print one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(compareKv);
}

async function compareKv(names: string[], options: KvOptions): Promise<void> {
  const { signal } = interruptible();
  const { plan, reference, lengths, samples: count } = options;
  const tasks = new Map(findTasks(names, options.data).map((task) => [task.id, task]));
  const haystack = await openHaystack(options.haystack);
  const file = await findModel(options.model, signal);
  const { tokenizer } = file;
  const mode = options.mode ?? (hasChat(tokenizer) ? "chat+prefill" : "raw");
  const counter = counterOf(tokenizer, mode);
  const source = { seed: options.seed, haystack, files: options.data };
  const samples: KvQualitySample[] = lengths.flatMap((length) => [
    ...[...tasks.values()].flatMap((task) => {
      const sampleAt = samplesOf(task, createCell(counter, task, length, count, source));
      return Array.from({ length: count }, (_, index) => sampleAt(index));
    }),
    ...(options.continuation > 0 ? [continuation(length)] : []),
  ]);

  function continuation(length: number): KvQualitySample {
    const text = haystack.words(length);
    const document = { name: `${haystack.name}/${length}`, text };
    const continuationTokens = Math.min(options.continuation, length >> 1);
    return documentSample(tokenizer, document, { contextTokens: length - continuationTokens, continuationTokens });
  }

  const engine = await loadEngine(file, { threads: options.threads, signal });
  try {
    let bar: ReturnType<typeof progressBar> | undefined;
    const result = await kvQuality(engine, {
      plan,
      reference,
      samples,
      mode,
      questionKnown: options.questionKnown ?? false,
      score: (output, sample) => tasks.get(sample.task)?.score(output, sample),
      signal,
      onProgress(done, total) {
        bar ??= progressBar(process.stderr, { label: "reading", total, unit: "tokens" });
        bar.update(done);
      },
    }).finally(() => bar?.finish());
    await write(
      options.json ? `${JSON.stringify(result)}\n` : `${kvQualityText(result, process.stdout.columns).trimEnd()}\n`,
    );
  } finally {
    await engine.dispose();
  }
}
