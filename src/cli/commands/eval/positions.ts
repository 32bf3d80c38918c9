/** longspan eval positions: what carries a model beyond its trained length. */
import { writeFileSync } from "node:fs";
import { Command } from "commander";
import { type PositionOptions, positionOptionsSchema } from "../../../context/position/registry.ts";
import { openHaystack } from "../../../eval/haystack.ts";
import { nameOf } from "../../../eval/pareto/index.ts";
import { comparePositions, FACTS, SCORED_TOKENS } from "../../../eval/positions/positions.ts";
import { InputError } from "../../../runtime/errors.ts";
import { interruptible } from "../../interrupt.ts";
import { findModel, loadEngine } from "../../model.ts";
import { addModelOption, addThreadsOption, type ThreadsOptions } from "../../options.ts";
import { write } from "../../output.ts";
import { progressBar } from "../../progress.ts";
import { formatCount, formatSeconds, formatTable } from "../../statistics.ts";
import { lengthsArgument } from "./options.ts";

interface PositionsCommandOptions extends ThreadsOptions {
  model: string;
  lengths: number[];
  methods?: PositionOptions[];
  haystack: string;
  out?: string;
  json?: true;
}

const EXAMPLES = `
Every method reads the same text once: the perplexity of its last ${SCORED_TOKENS} tokens, then
${FACTS} facts at ${FACTS} depths, each asked for on its own. Methods that do not reach a
length are left out of it.

Examples:
  $ longspan eval positions -m smollm2-135m --lengths 12k,16k,24k
  $ longspan eval positions -m smollm2-135m --lengths 12k \\
      --methods '[{"method":"dca"},{"method":"yarn","factor":2}]'`;

export function positionsCommand(): Command {
  const command = new Command("positions").description(
    "perplexity and retrieval of every position method on long text",
  );
  return addThreadsOption(addModelOption(command))
    .requiredOption("-l, --lengths <n,n,…>", "tokens of the whole prompt: 12288 or 12k", lengthsArgument)
    .option(
      "--methods <json>",
      "JSON array of position members of plans (default: all, set for each length)",
      methodsArgument,
    )
    .option("--haystack <name|path>", "long text: speeches, moby-dick, or files of yours", "moby-dick")
    .option("--out <file>", "write the result as JSON")
    .option("--json", "print one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(compare);
}

async function compare(options: PositionsCommandOptions): Promise<void> {
  const { signal } = interruptible();
  const { lengths, methods } = options;
  const file = await findModel(options.model, signal);
  const haystack = await openHaystack(options.haystack);
  const engine = await loadEngine(file, { threads: options.threads, signal });
  try {
    let bar: ReturnType<typeof progressBar> | undefined;
    const onProgress = (done: number, total: number) => {
      bar ??= progressBar(process.stderr, { label: "reading", total, unit: "tokens" });
      bar.update(done);
    };
    const rows = await comparePositions(engine, { haystack, lengths, methods, signal, onProgress }).finally(() =>
      bar?.finish(),
    );
    const { name, contextLength } = engine.model;
    const result = { model: name, trainedContextLength: contextLength, haystack: haystack.name, rows };
    if (options.out) writeFileSync(options.out, `${JSON.stringify(result, undefined, 1)}\n`);
    if (options.json) {
      await write(`${JSON.stringify(result)}\n`);
      return;
    }
    await write(`${name}, trained for ${formatCount(contextLength)} tokens\n`);
    const cells = rows.map(({ position, tokens, measured }) => [
      nameOf(position),
      formatCount(tokens),
      ...(measured
        ? [
            measured.perplexity.toFixed(1),
            `${measured.found} of ${FACTS}`,
            measured.foundAt.map((isFound) => (isFound ? "●" : "·")).join(""),
            formatSeconds(measured.seconds),
          ]
        : ["out of reach", "", "", ""]),
    ]);
    const columns = { method: "left", tokens: "right", perplexity: "right", found: "right" } as const;
    await write(`${formatTable({ ...columns, "by depth": "left", read: "right" }, cells)}\n`);
  } finally {
    await engine.dispose();
  }
}

function methodsArgument(text: string): PositionOptions[] {
  try {
    return (JSON.parse(text) as unknown[]).map((each) => positionOptionsSchema.parse(each));
  } catch (error) {
    throw new InputError(
      `--methods: expected a JSON array of position members, got ${text} (${(error as Error).message.split("\n")[0]}). For example [{"method":"dca"}].`,
      { got: text },
    );
  }
}
