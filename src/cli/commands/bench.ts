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
  runs: number;
  json?: true;
}

interface Measurement {
  readonly promptTokens: number;
  readonly prefillSeconds: number;
  readonly decodeSeconds: number;
  readonly peakBytes: number;
}

const EXAMPLES = `
Prompts are pseudo-random token ids: 1000 + (7919 i mod 20000), less in small
vocabularies. Each run is a new session; figures are medians over the runs; one
short run before them warms up. Peak memory is that of the process so far.
--plan auto is chosen for the longest prompt and used for all.

Examples:
  $ longspan bench qwen2.5-coder-0.5b
  $ longspan bench smollm2-135m --prompt-tokens 512,2048 --decode-tokens 64 --runs 3 --json
  $ longspan bench smollm2-135m --prompt-tokens 12000 --plan auto
  $ longspan bench model.gguf --plan '{"cache":{"format":"f32"}}' --threads 1`;

const WARM_UP_TOKENS = 256;

export function benchCommand(): Command {
  const command = new Command("bench")
    .description("measure how fast prompts are read and tokens are written")
    .argument("<model>", "catalogue name, GGUF file, or hf:owner/repo/file.gguf")
    .option("--prompt-tokens <n,n,…>", "lengths of the prompts", wholeNumbers("--prompt-tokens", 1), [512, 2048, 8192])
    .option("--decode-tokens <n>", "tokens to write after each prompt", wholeNumber("--decode-tokens", 1), 32)
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
    await measure(engine, Math.min(WARM_UP_TOKENS, options.promptTokens[0]), Math.min(decodeTokens, 4), plan, signal);
    const results: Measurement[] = [];
    for (const promptTokens of options.promptTokens) {
      const runs: Measurement[] = [];
      for (let run = 0; run < options.runs; run++)
        runs.push(await measure(engine, promptTokens, decodeTokens, plan, signal));
      results.push({
        promptTokens,
        prefillSeconds: median(runs.map((run) => run.prefillSeconds)),
        decodeSeconds: median(runs.map((run) => run.decodeSeconds)),
        peakBytes: Math.max(...runs.map((run) => run.peakBytes)),
      });
    }
    const { threads } = engine;
    await write(
      `${engine.model.name} (${engine.model.architecture}), ${threads === 1 ? "1 thread" : `${threads} threads`}, loaded in ${formatSeconds(loadSeconds)}\n`,
    );
    await write(`${tableOf(results, decodeTokens)}\n`);
    if (options.json) {
      const rows = results.map((result) => ({
        ...result,
        prefillTokensPerSecond: result.promptTokens / result.prefillSeconds,
        decodeTokensPerSecond: decodeTokens / result.decodeSeconds,
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
  promptTokens: number,
  decodeTokens: number,
  plan: Plan,
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

    const decodeSeconds = await decode(session, decodeTokens, signal);
    return { promptTokens, prefillSeconds, decodeSeconds, peakBytes: peakBytes() };
  } finally {
    await session.dispose();
  }
}

/** Seconds of `steps` decode steps: each samples a token from the logits at hand and computes the next ones. */
async function decode(session: Session, steps: number, signal: AbortSignal): Promise<number> {
  const start = performance.now();
  for await (const _ of session.generate({ maxTokens: steps, ignoreEnd: true, signal }));
  return (performance.now() - start) / 1000;
}

function tableOf(results: readonly Measurement[], decodeTokens: number): string {
  const columns = {
    "prompt tokens": "right",
    "prefill tokens/s": "right",
    prefill: "right",
    "decode tokens/s": "right",
    decode: "right",
    "peak memory": "right",
  } as const;
  const rows = results.map(({ promptTokens, prefillSeconds, decodeSeconds, peakBytes }) => [
    formatCount(promptTokens),
    formatRate(promptTokens, prefillSeconds),
    formatSeconds(prefillSeconds),
    formatRate(decodeTokens, decodeSeconds),
    formatSeconds(decodeSeconds),
    formatBytes(peakBytes),
  ]);
  return formatTable(columns, rows);
}
