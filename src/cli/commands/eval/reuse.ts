/** longspan eval reuse: what it costs to put documents together that were read by themselves. */
import { writeFileSync } from "node:fs";
import { Command } from "commander";
import { openHaystack } from "../../../eval/haystack.ts";
import { measureReuse, type ReuseRow } from "../../../eval/reuse/reuse.ts";
import { InputError } from "../../../runtime/errors.ts";
import { wholeNumber } from "../../arguments.ts";
import { interruptible } from "../../interrupt.ts";
import { findModel, loadEngine } from "../../model.ts";
import { addComputeOptions, addModelOption, type ComputeOptions } from "../../options.ts";
import { write } from "../../output.ts";
import { progressBar } from "../../progress.ts";
import { formatCount, formatSeconds, formatTable } from "../../statistics.ts";
import { lengthsArgument } from "./options.ts";

interface ReuseCommandOptions extends ComputeOptions {
  model: string;
  documents: number;
  length: number[];
  samples: number;
  recompute: number[];
  isolated?: true;
  haystack: string;
  out?: string;
  json?: true;
}

const EXAMPLES = `
Documents with ten facts in them are read as one text, and linked: each was read by
itself, and all but its first tokens are taken from there (ask --reuse epic). KL is
measured along the exact reading's answers; seconds are of the reading before the
questions, with all documents in the cache.

Examples:
  $ longspan eval reuse
  $ longspan eval reuse --documents 8 --length 1k --samples 3 --out reuse.json
  $ longspan eval reuse --recompute 0,16 --isolated -m smollm2-135m`;

export function reuseCommand(): Command {
  const command = new Command("reuse").description("quality of documents that were read by themselves, in any order");
  return addComputeOptions(addModelOption(command))
    .option("--documents <n>", "documents of a prompt, at most 10", wholeNumber("--documents", 2), 4)
    .option("-l, --length <n>", "tokens of each document: 512 or 1k", lengthsArgument, [512])
    .option("-s, --samples <n>", "prompts, each of other text", wholeNumber("--samples", 1), 1)
    .option("--recompute <n,n,…>", "first tokens that are computed anew", recomputeArgument, [0, 8, 16, 32, 64])
    .option("--isolated", "also documents that were read without the prompt's head before them")
    .option("--haystack <name|path>", "long text: speeches, moby-dick, or files of yours", "speeches")
    .option("--out <file>", "write the result as JSON")
    .option("--json", "print one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(measure);
}

async function measure(options: ReuseCommandOptions): Promise<void> {
  const { signal } = interruptible();
  const { plan, documents, length, samples, recompute } = options;
  const [tokens] = length;
  const haystack = await openHaystack(options.haystack);
  const file = await findModel(options.model, signal);
  const engine = await loadEngine(file, { threads: options.threads, signal });
  try {
    const isolated = options.isolated ? [false, true] : [false];
    const total = samples * (1 + isolated.length * recompute.length);
    const bar = progressBar(process.stderr, { label: "reading", total, unit: "samples" });
    const onProgress = (done: number) => bar.update(done);
    const wanted = { haystack, plan, documents, tokens, samples, recompute, isolated, signal, onProgress };
    const measured = await measureReuse(engine, wanted).finally(() => bar.finish());
    const result = { ...measured, documents, samples, haystack: haystack.name, plan };
    if (options.out) writeFileSync(options.out, `${JSON.stringify(result, undefined, 1)}\n`);
    if (options.json) await write(`${JSON.stringify(result)}\n`);
    else {
      await write(
        `${result.model}: ${documents} documents, ${formatCount(result.tokens)} tokens, ${samples} ${samples === 1 ? "prompt" : "prompts"}\n`,
      );
      const columns = { documents: "left", "computed anew": "right", "facts found": "right", KL: "right" } as const;
      const more = { "same top": "right", read: "right" } as const;
      await write(`${formatTable({ ...columns, ...more }, result.rows.map(cellsOf))}\n`);
    }
  } finally {
    await engine.dispose();
  }
}

function cellsOf({ linked, found, asked, kl, top1, seconds }: ReuseRow): string[] {
  const facts = `${found} of ${asked}`;
  if (!linked) return ["read as one text", "", facts, "", "", formatSeconds(seconds)];
  return [
    linked.isolated ? "linked, read alone" : "linked",
    formatCount(linked.recompute),
    facts,
    kl.toPrecision(2),
    `${(100 * top1).toFixed(1)} %`,
    formatSeconds(seconds),
  ];
}

function recomputeArgument(text: string): number[] {
  const counts = text.split(",").map((part) => Number(part.trim() || Number.NaN));
  if (!counts.every((count) => Number.isInteger(count) && count >= 0))
    throw new InputError(`--recompute: expected whole numbers with commas, got "${text}". For example 0,16,32.`);
  return [...new Set(counts)].sort((a, b) => a - b);
}
