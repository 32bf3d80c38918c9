/** longspan eval sparse: what sparse prefills cost in quality and save in time, on one text. */
import { writeFileSync } from "node:fs";
import { Command } from "commander";
import { openHaystack } from "../../../eval/haystack.ts";
import {
  expectMeasurable,
  measureSparse,
  type NamedPlan,
  namedPlan,
  type SparseResult,
  type SparseRow,
  SparseTable,
  sparseHeading,
  sparseNotes,
  sparsePicture,
  standardPlans,
} from "../../../eval/sparse/index.ts";
import { InputError } from "../../../runtime/errors.ts";
import { wholeNumber } from "../../arguments.ts";
import { interruptible } from "../../interrupt.ts";
import { findModel, loadEngine } from "../../model.ts";
import { addModelOption, addThreadsOption, type ThreadsOptions } from "../../options.ts";
import { withinTerminal, write } from "../../output.ts";
import { resolvePlan } from "../../plan.ts";
import { progressBar } from "../../progress.ts";
import { lengthsArgument } from "./options.ts";

interface SparseCommandOptions extends ThreadsOptions {
  model: string;
  lengths: number[];
  plans: readonly NamedPlan[];
  haystack: string;
  last: number;
  out?: string;
  svg?: string;
  json?: true;
}

const EXAMPLES = `
Full attention reads the text once, every plan once. Predictions of the last tokens
are compared as they come (KL divergence in nats a token, agreement of the likeliest
token). Density is the share of pages that were seen; recall, of the attention of
every eighth page's tokens, the share that falls on what they saw. Seconds are of one
reading each: on a busy machine they say little. Ctrl-C keeps the plans that are done
in --out and --svg.

Examples:
  $ longspan eval sparse --lengths 16k --out sparse.json --svg sparse.svg
  $ longspan eval sparse -m smollm2-135m --lengths 4k \\
      --plans '[{"prefill":{"method":"block-sparse","mass":0.9,"denseBelow":1024}}]'
  $ longspan eval sparse --lengths 8k,16k --haystack thesis.pdf --json`;

export function sparseCommand(): Command {
  const command = new Command("sparse").description(
    "what sparse prefills cost in quality and save in time, on one text",
  );
  return addThreadsOption(addModelOption(command))
    .option("-l, --lengths <n,n,…>", "tokens to read: 16384 or 16k", lengthsArgument, [16384])
    .option(
      "--plans <json>",
      `JSON array of plans (default: ${standardPlans.map(({ name }) => name).join(", ")})`,
      plansArgument,
    )
    .option("--last <n>", "last tokens that are compared, at most", wholeNumber("--last", 64), 1024)
    .option("--haystack <name|path>", "long text: speeches, moby-dick, or files of yours", "moby-dick")
    .option("--out <file>", "write the result as JSON, after each plan")
    .option("--svg <file>", "write the density by layer and query head as a picture, after each plan")
    .option("--json", "print one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(compareSparse);
}

async function compareSparse(options: SparseCommandOptions): Promise<void> {
  const { signal } = interruptible();
  const { lengths, last, plans = standardPlans } = options;
  const most = Math.max(...lengths);
  const file = await findModel(options.model, signal);
  expectMeasurable({ lengths, last, plans, contextLength: file.contextLength });
  for (const { plan } of plans) resolvePlan(plan, file, { tokens: most });
  const haystack = await openHaystack(options.haystack);
  const tokenIds = file.tokenizer.encode(haystack.words(most + 1)).slice(0, most + 1);
  const engine = await loadEngine(file, { threads: options.threads, signal });
  try {
    const about = { haystack: haystack.name, threads: engine.threads };
    const resultOf = (rows: readonly SparseRow[]) => ({ model: engine.model.name, ...about, rows });
    const print = options.json ? undefined : tablePrinter(plans);
    let bar: ReturnType<typeof progressBar> | undefined;
    const rows: SparseRow[] = [];
    const onRow = async (row: SparseRow) => {
      rows.push(row);
      save(resultOf(rows), options);
      await print?.(row);
    };
    const onProgress = (done: number, total: number) => {
      bar ??= progressBar(process.stderr, { label: "reading", total, unit: "tokens" });
      bar.update(done);
    };
    const wanted = { tokenIds, lengths, plans, last, signal, onRow, onProgress };
    await measureSparse(engine, wanted).finally(() => bar?.finish());
    await write(options.json ? `${JSON.stringify(resultOf(rows))}\n` : `\n${sparseNotes}\n`);
  } finally {
    await engine.dispose();
  }
}

function save(result: SparseResult, { out, svg }: SparseCommandOptions): void {
  if (out) writeFileSync(out, `${JSON.stringify(result, undefined, 1)}\n`);
  if (svg) writeFileSync(svg, `${sparsePicture(result)}\n`);
}

/** Prints rows as they come, above the progress bar. */
function tablePrinter(plans: readonly NamedPlan[]): (row: SparseRow) => Promise<void> {
  const table = new SparseTable(plans.map(({ name }) => name));
  let tokens = 0;
  return async (row) => {
    const head = row.tokens === tokens ? [] : [...(tokens > 0 ? [""] : []), sparseHeading(row), table.header()];
    tokens = row.tokens;
    // A bar that is redrawn begins its line anew: what stands there goes.
    if (process.stderr.isTTY) process.stderr.write(`\r${" ".repeat((process.stderr.columns || 80) - 1)}\r`);
    await write(`${withinTerminal([...head, table.row(row)].join("\n"))}\n`);
  };
}

function plansArgument(text: string): NamedPlan[] {
  const wrong = (reason: string) =>
    new InputError(
      `--plans: expected a JSON array of plans, got ${text} (${reason}). For example [{"prefill":{"method":"block-sparse","mass":0.9}}].`,
      { got: text },
    );
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (error) {
    throw wrong((error as Error).message);
  }
  if (!Array.isArray(given) || given.length === 0) throw wrong("it is none, or empty");
  return given.map(namedPlan);
}
