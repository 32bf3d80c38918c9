/** longspan eval formats: what each page format costs on a model, and in which layout. */
import { Command } from "commander";
import { cacheFormats } from "../../../context/cache/format/registry.ts";
import type { Choice } from "../../../context/technique.ts";
import { formatTable as measureFormats } from "../../../eval/formats/formats.ts";
import { openHaystack } from "../../../eval/haystack.ts";
import { nameOf } from "../../../eval/pareto/index.ts";
import { wholeNumber } from "../../arguments.ts";
import { interruptible } from "../../interrupt.ts";
import { findModel, loadEngine } from "../../model.ts";
import { addModelOption, addThreadsOption, type ThreadsOptions } from "../../options.ts";
import { write } from "../../output.ts";
import { progressBar } from "../../progress.ts";
import { formatCount, formatTable } from "../../statistics.ts";
import { choicesOf, lengthsArgument } from "./options.ts";

interface FormatsOptions extends ThreadsOptions {
  model: string;
  length: number[];
  compared: number;
  formats: Choice[];
  haystack: string;
  json?: true;
}

/** Every format in every layout; kivi is q2 with values by token. */
const layouts: Choice[] = ["k8v4", "q4", "q3", "q2"].flatMap((method) => [
  method,
  { method, values: "token" },
  { method, keys: "rotated-token" },
  { method, keys: "rotated-token", values: "token" },
]);

const EXAMPLES = `
The last tokens of a text are predicted with each format and with f32 pages: KL
divergence in nats a token, agreement of the likeliest token, bytes of keys and
values a token. By default every format in every layout.

Examples:
  $ longspan eval formats --length 4k
  $ longspan eval formats -m smollm2-135m --formats q8,k8v4,q4`;

export function formatsCommand(): Command {
  const command = new Command("formats").description("what each page format costs on a model, against f32 pages");
  return addThreadsOption(addModelOption(command))
    .option("-l, --length <n>", "tokens to read: 4096 or 4k", lengthsArgument, [4096])
    .option("--compared <n>", "last tokens that are compared", wholeNumber("--compared", 2), 384)
    .option("--formats <ids>", "ids with commas, or a JSON array of choices", choicesOf(cacheFormats), [
      "q8",
      ...layouts,
    ])
    .option("--haystack <name|path>", "long text: speeches, moby-dick, or files of yours", "moby-dick")
    .option("--json", "print one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(compareFormats);
}

async function compareFormats(options: FormatsOptions): Promise<void> {
  const { signal } = interruptible();
  const { formats, compared } = options;
  const [length] = options.length;
  const file = await findModel(options.model, signal);
  const haystack = await openHaystack(options.haystack);
  const tokenIds = file.tokenizer.encode(haystack.words(length)).slice(0, length);
  const engine = await loadEngine(file, { threads: options.threads, signal });
  try {
    const total = tokenIds.length * (formats.length + 1);
    const bar = progressBar(process.stderr, { label: "reading", total, unit: "tokens" });
    const onProgress = (done: number) => bar.update(done);
    const rows = await measureFormats(engine, { tokenIds, compared, formats, signal, onProgress }).finally(() =>
      bar.finish(),
    );
    const { name } = engine.model;
    if (options.json) {
      await write(
        `${JSON.stringify({ model: name, tokens: tokenIds.length, compared, haystack: haystack.name, rows })}\n`,
      );
      return;
    }
    await write(
      `${name}: the last ${formatCount(compared)} of ${formatCount(tokenIds.length)} tokens against f32 pages\n`,
    );
    const cells = rows.map(({ format, kl, medianKl, p99Kl, top1, perplexityRatio, cacheBytesPerToken }) => [
      nameOf(format),
      ...[kl, medianKl, p99Kl].map((value) => value.toPrecision(2)),
      `${(100 * top1).toFixed(1)} %`,
      perplexityRatio.toFixed(4),
      formatCount(Math.round(cacheBytesPerToken)),
    ]);
    const columns = { format: "left", "mean KL": "right", median: "right", p99: "right" } as const;
    const more = { "same top": "right", "PPL ratio": "right", "bytes/token": "right" } as const;
    await write(`${formatTable({ ...columns, ...more }, cells)}\n`);
  } finally {
    await engine.dispose();
  }
}
