/** longspan eval perplexity PATHS…: how well a model predicts a text, by how much of it it sees. */
import { Command, Option } from "commander";
import { readDocuments } from "../../../documents/read.ts";
import {
  type Document,
  documentOf,
  longPerplexity,
  type PerplexityResult,
  perplexityByContext,
  perplexityByPosition,
  perplexityChunked,
  perplexityShuffledPrefix,
  perplexitySlidingWindow,
  perplexityText,
  type ReadingEngine,
  underPlan,
} from "../../../eval/perplexity/index.ts";
import { wholeNumber } from "../../arguments.ts";
import { interruptible } from "../../interrupt.ts";
import { findModel, loadEngine } from "../../model.ts";
import { addComputeOptions, addModelOption, type ComputeOptions } from "../../options.ts";
import { write } from "../../output.ts";
import { progressBar } from "../../progress.ts";
import { contextsArgument, lengthsArgument } from "./options.ts";

const measures = ["position", "context", "sliding-window", "chunked", "shuffled-prefix", "longppl"] as const;

interface PerplexityOptions extends ComputeOptions {
  model: string;
  measure: (typeof measures)[number];
  targets: number;
  contexts?: number[];
  window?: number;
  stride?: number;
  length?: number;
  json?: true;
}

const EXAMPLES = `
Every file is a document; documents should be longer than the context measured.
Bits per byte can be compared between models, perplexity only within one.

  position         one pass, by how many tokens stand before (confounds place and content)
  context          the same last tokens after 0, 256, 1K, 4K, … tokens: what context is worth
  sliding-window   windows a stride apart        chunked   as llama.cpp does
  shuffled-prefix  own text before the targets against another document's (two files)
  longppl          only tokens that need the long context (LongPPL, the model its own judge)

Examples:
  $ longspan eval perplexity book.txt
  $ longspan eval perplexity speeches/*.txt --measure position --length 8k
  $ longspan eval perplexity book.txt --measure context --contexts 256,1k,8k --json`;

export function perplexityCommand(): Command {
  const command = new Command("perplexity")
    .description("measure how well a model predicts texts, by how much of them it sees")
    .argument("<paths...>", "documents: files, folders, globs");
  return addComputeOptions(addModelOption(command))
    .addOption(new Option("--measure <measure>", "what is measured").choices(measures).default("context"))
    .option("--targets <n>", "tokens at the end of each document that are scored", wholeNumber("--targets", 1), 1024)
    .option("--contexts <n,n,…>", "tokens before the targets (shuffled-prefix: the largest)", contextsArgument)
    .option("--window <n>", "tokens of a window (longppl: of the short context)", wholeNumber("--window", 2))
    .option("--stride <n>", "tokens from one window to the next", wholeNumber("--stride", 1))
    .option("--length <n>", "most tokens read of a document", (text: string) => lengthsArgument(text)[0])
    .option("--json", "print one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(perplexity);
}

async function perplexity(paths: string[], options: PerplexityOptions): Promise<void> {
  const { signal } = interruptible();
  const texts = await readDocuments(paths, { signal });
  const file = await findModel(options.model, signal);
  const documents = texts.map(({ path, text }) => documentOf(file.tokenizer, { name: path, text }));
  const engine = await loadEngine(file, { threads: options.threads, signal });
  try {
    let bar: ReturnType<typeof progressBar> | undefined;
    const onProgress = (done: number, total: number) => {
      bar ??= progressBar(process.stderr, { label: "reading", total, unit: "tokens" });
      bar.update(done);
    };
    const result = await measure(underPlan(engine, options.plan), documents, options, {
      plan: options.plan,
      signal,
      onProgress,
    }).finally(() => bar?.finish());
    await write(options.json ? `${JSON.stringify(result)}\n` : `${perplexityText(result).trimEnd()}\n`);
  } finally {
    await engine.dispose();
  }
}

function measure(
  engine: ReadingEngine,
  documents: readonly Document[],
  { measure, targets, contexts, window, stride, length }: PerplexityOptions,
  reading: { plan: ComputeOptions["plan"]; signal: AbortSignal; onProgress(done: number, total: number): void },
): Promise<PerplexityResult> {
  switch (measure) {
    case "position":
      return perplexityByPosition(engine, documents, { length, ...reading });
    case "context":
      return perplexityByContext(engine, documents, { targets, contexts, ...reading });
    case "sliding-window":
      return perplexitySlidingWindow(engine, documents, { window, stride, ...reading });
    case "chunked":
      return perplexityChunked(engine, documents, { window, ...reading });
    case "shuffled-prefix":
      return perplexityShuffledPrefix(engine, documents, { targets, context: contexts?.at(-1), ...reading });
    case "longppl":
      return longPerplexity(engine, documents, { window, stride, ...reading });
  }
}
