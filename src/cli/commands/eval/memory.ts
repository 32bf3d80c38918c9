/** longspan eval memory: what a plan holds while it reads a long text. */
import { writeFileSync } from "node:fs";
import { Command } from "commander";
import { openHaystack } from "../../../eval/haystack.ts";
import { memoryPicture } from "../../../eval/memory/picture.ts";
import { memoryTrace, mostOf } from "../../../eval/memory/trace.ts";
import { wholeNumber } from "../../arguments.ts";
import { interruptible } from "../../interrupt.ts";
import { findModel, loadEngine } from "../../model.ts";
import { addComputeOptions, addModelOption, type ComputeOptions } from "../../options.ts";
import { write } from "../../output.ts";
import { progressBar } from "../../progress.ts";
import { formatBytes, formatCount, formatSeconds, formatTable } from "../../statistics.ts";
import { lengthsArgument } from "./options.ts";

interface MemoryOptions extends ComputeOptions {
  model: string;
  length: number[];
  step: number;
  haystack: string;
  picture?: string;
  json?: true;
}

const EXAMPLES = `
The text is read in pieces; after each, the pages that the cache holds are counted.
Meant for plans that drop while reading: those that drop after a prefill would do
so after every piece.

Example:
  $ longspan eval memory --length 32k --picture pages.svg --plan \\
      '{"cache":{"score":"key-diff","schedule":"streaming","budget":4096}}'`;

export function memoryCommand(): Command {
  const command = new Command("memory").description("pages held against tokens read, under a plan");
  return addComputeOptions(addModelOption(command))
    .option("-l, --length <n>", "tokens to read: 32768 or 32k", lengthsArgument, [32768])
    .option("--step <n>", "tokens between two points", wholeNumber("--step", 64), 512)
    .option("--haystack <name|path>", "long text: speeches, moby-dick, or files of yours", "moby-dick")
    .option("--picture <file>", "write a picture as SVG")
    .option("--json", "print one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(trace);
}

async function trace(options: MemoryOptions): Promise<void> {
  const { signal } = interruptible();
  const { plan, step } = options;
  const [length] = options.length;
  const file = await findModel(options.model, signal);
  const haystack = await openHaystack(options.haystack);
  const tokenIds = file.tokenizer.encode(haystack.words(length)).slice(0, length);
  const engine = await loadEngine(file, { threads: options.threads, signal });
  try {
    const bar = progressBar(process.stderr, { label: "reading", total: tokenIds.length, unit: "tokens" });
    const onProgress = (done: number) => bar.update(done);
    const result = await memoryTrace(engine, { plan, tokenIds, step, signal, onProgress }).finally(() => bar.finish());
    if (options.picture) writeFileSync(options.picture, `${memoryPicture(result)}\n`);
    if (options.json) {
      await write(`${JSON.stringify(result)}\n`);
      return;
    }
    const { points, fullPages, seconds } = result;
    const shown = points.filter((_, i) => (i + 1) % Math.max(1, Math.floor(points.length / 16)) === 0);
    const rows = shown.map(({ tokens, pages, cacheBytes }) => [
      formatCount(tokens),
      formatCount(pages),
      formatBytes(cacheBytes),
    ]);
    await write(`${formatTable({ tokens: "right", pages: "right", cache: "right" }, rows)}\n\n`);
    const { mostPages, mostBytes } = mostOf(result);
    await write(
      `most at any time: ${formatCount(mostPages)} pages, ${formatBytes(mostBytes)}; nothing dropped: ${formatCount(fullPages)} pages; read in ${formatSeconds(seconds)}\n`,
    );
  } finally {
    await engine.dispose();
  }
}
