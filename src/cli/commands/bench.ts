/**
 * longspan bench MODEL: how fast prompts of given lengths are read, and tokens written after them.
 * Speed does not depend on what the tokens are, so the prompt is a fixed pseudo-random sequence of ids.
 */
import { Command } from "commander";
import type { Plan } from "../../context/plan.ts";
import { contextLengthOf } from "../../context/position/rotation.ts";
import type { Engine, Session } from "../../engine/types.ts";
import { wholeNumber, wholeNumbers } from "../arguments.ts";
import { interruptible } from "../interrupt.ts";
import { expectRoom, findModel, loadEngine } from "../model.ts";
import { type AutoComputeOptions, addAutoComputeOptions } from "../options.ts";
import { write } from "../output.ts";
import { resolvePlan } from "../plan.ts";
import { progressBar } from "../progress.ts";
import { formatBytes, formatCount, formatRate, formatSeconds, formatTable, median, peakBytes } from "../statistics.ts";

interface BenchOptions extends AutoComputeOptions {
  promptTokens: number[];
  decodeTokens: number;
  streams: number[];
  runs: number;
  json?: true;
}

interface Measurement {
  readonly promptTokens: number;
  readonly prefillSeconds: number;
  /** Of each number of streams. */
  readonly decodes: readonly { readonly streams: number; readonly seconds: number }[];
  readonly peakBytes: number;
}

const EXAMPLES = `
Prompts are pseudo-random token ids: 1000 + (7919 i mod 20000), less in small
vocabularies. Each run is a new session; figures are medians over the runs; one
short run before them warms up. Peak memory is that of the process so far.
With several streams, as many texts go on from the prompt at once; decode
tokens/s is that of all together.
--plan auto is chosen for the longest prompt and used for all.

Examples:
  $ longspan bench qwen2.5-coder-0.5b
  $ longspan bench smollm2-135m --prompt-tokens 512,2048 --decode-tokens 64 --runs 3 --json
  $ longspan bench smollm2-135m --prompt-tokens 12000 --plan auto
  $ longspan bench qwen2.5-coder-0.5b --prompt-tokens 512 --streams 1,4,16
  $ longspan bench model.gguf --plan '{"cache":{"format":"f32"}}' --threads 1`;

const WARM_UP_TOKENS = 256;

export function benchCommand(): Command {
  const command = new Command("bench")
    .description("measure how fast prompts are read and tokens are written")
    .argument("<model>", "catalogue name, GGUF file, or hf:owner/repo/file.gguf")
    .option("--prompt-tokens <n,n,…>", "lengths of the prompts", wholeNumbers("--prompt-tokens", 1), [512, 2048, 8192])
    .option("--decode-tokens <n>", "tokens to write after each prompt", wholeNumber("--decode-tokens", 1), 32)
    .option("--streams <n,n,…>", "texts that are written at once", wholeNumbers("--streams", 1), [1])
    .option("--runs <n>", "runs of each length", wholeNumber("--runs", 1), 1);
  return addAutoComputeOptions(command)
    .option("--json", "print one JSON object on the last line, after the table")
    .addHelpText("after", EXAMPLES)
    .action(bench);
}

/** Fixed pseudo-random ids, away from the low ones, which are single bytes and control tokens in most vocabularies. */
export function benchTokens(length: number, vocabularySize: number): Int32Array {
  const first = Math.min(1000, vocabularySize >> 2);
  const range = Math.min(20_000, (vocabularySize >> 1) + 1);
  return Int32Array.from({ length }, (_, i) => first + ((i * 7919) % range));
}

async function bench(model: string, options: BenchOptions): Promise<void> {
  const { signal } = interruptible();
  const { decodeTokens } = options;
  const longest = options.promptTokens.at(-1)!;
  const file = await findModel(model, signal);
  const plan = resolvePlan(options.plan, file, { tokens: longest + decodeTokens, quiet: options.json ?? false });
  expectRoom("bench", {
    promptTokens: longest,
    outputTokens: decodeTokens,
    contextLength: contextLengthOf(plan.position, file.contextLength),
  });

  const loadStart = performance.now();
  const engine = await loadEngine(file, { threads: options.threads, signal });
  const loadSeconds = (performance.now() - loadStart) / 1000;
  try {
    const warmUp = {
      promptTokens: Math.min(WARM_UP_TOKENS, options.promptTokens[0]),
      decodeTokens: Math.min(decodeTokens, 4),
    };
    await measure(engine, plan, { ...warmUp, streams: [1] }, signal);
    const results: Measurement[] = [];
    for (const promptTokens of options.promptTokens) {
      const runs: Measurement[] = [];
      for (let run = 0; run < options.runs; run++)
        runs.push(await measure(engine, plan, { promptTokens, decodeTokens, streams: options.streams }, signal));
      results.push({
        promptTokens,
        prefillSeconds: median(runs.map((run) => run.prefillSeconds)),
        decodes: options.streams.map((streams, i) => ({
          streams,
          seconds: median(runs.map((run) => run.decodes[i].seconds)),
        })),
        peakBytes: Math.max(...runs.map((run) => run.peakBytes)),
      });
    }
    const { threads } = engine;
    await write(
      `${engine.model.name} (${engine.model.architecture}), ${threads === 1 ? "1 thread" : `${threads} threads`}, loaded in ${formatSeconds(loadSeconds)}\n`,
    );
    await write(`${tableOf(results, decodeTokens)}\n`);
    if (options.json) {
      const rows = results.map(({ decodes, ...result }) => ({
        ...result,
        prefillTokensPerSecond: result.promptTokens / result.prefillSeconds,
        decodeSeconds: decodes[0].seconds,
        decodeTokensPerSecond: (decodes[0].streams * decodeTokens) / decodes[0].seconds,
        streams: decodes.map(({ streams, seconds }) => ({
          streams,
          seconds,
          tokensPerSecond: (streams * decodeTokens) / seconds,
        })),
      }));
      const { name } = engine.model;
      await write(
        `${JSON.stringify({ model: name, threads, plan, loadSeconds, decodeTokens, runs: options.runs, results: rows })}\n`,
      );
    }
  } finally {
    await engine.dispose();
  }
}

async function measure(
  engine: Engine,
  plan: Plan,
  { promptTokens, decodeTokens, streams }: { promptTokens: number; decodeTokens: number; streams: readonly number[] },
  signal: AbortSignal,
): Promise<Measurement> {
  const session = await engine.session({ plan });
  try {
    const tokenIds = benchTokens(promptTokens, engine.model.vocabularySize);
    const label = `reading ${formatCount(promptTokens)}`;
    const bar = progressBar(process.stderr, { label, total: promptTokens, unit: "tokens" });
    bar.update(0);
    const prefillStart = performance.now();
    await session.prefill(tokenIds, { signal, onProgress: (done) => bar.update(done) });
    const prefillSeconds = (performance.now() - prefillStart) / 1000;
    bar.finish();

    const decodes: { streams: number; seconds: number }[] = [];
    for (const count of streams)
      decodes.push({ streams: count, seconds: await decode(session, count, decodeTokens, signal) });
    return { promptTokens, prefillSeconds, decodes, peakBytes: peakBytes() };
  } finally {
    await session.dispose();
  }
}

/** Seconds of `steps` decode steps of as many copies as there are streams: each samples a token and computes the next ones. */
async function decode(session: Session, streams: number, steps: number, signal: AbortSignal): Promise<number> {
  const copies: Session[] = [];
  try {
    while (copies.length < streams) copies.push(await session.fork());
    const start = performance.now();
    await Promise.all(
      copies.map(async (copy) => {
        for await (const _ of copy.generate({ maxTokens: steps, ignoreEnd: true, signal }));
      }),
    );
    return (performance.now() - start) / 1000;
  } finally {
    for (const copy of copies) await copy.dispose();
  }
}

function tableOf(results: readonly Measurement[], decodeTokens: number): string {
  const columns = {
    "prompt tokens": "right",
    "prefill tokens/s": "right",
    prefill: "right",
    streams: "right",
    "decode tokens/s": "right",
    decode: "right",
    "peak memory": "right",
  } as const;
  const rows = results.flatMap(({ promptTokens, prefillSeconds, decodes, peakBytes }) =>
    decodes.map(({ streams, seconds }) => [
      formatCount(promptTokens),
      formatRate(promptTokens, prefillSeconds),
      formatSeconds(prefillSeconds),
      formatCount(streams),
      formatRate(streams * decodeTokens, seconds),
      formatSeconds(seconds),
      formatBytes(peakBytes),
    ]),
  );
  return formatTable(columns, rows);
}
