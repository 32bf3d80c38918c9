/** longspan eval run TASKS…: samples, answers, scores; a log that survives, tables, and a report. */
import { join, resolve } from "node:path";
import { Command, Option } from "commander";
import type { Plan } from "../../../context/plan.ts";
import { openHaystack } from "../../../eval/haystack.ts";
import { nameRuns } from "../../../eval/report/html/runs.ts";
import { writeReport } from "../../../eval/report/write.ts";
import { openAnswerCache } from "../../../eval/run/answer-cache.ts";
import { runInfo } from "../../../eval/run/info.ts";
import { openLog, type RunLog } from "../../../eval/run/log.ts";
import { type RunOptions, runTasks } from "../../../eval/run/runner.ts";
import { findTasks } from "../../../eval/tasks/registry.ts";
import { type TierName, tierNames, tiers } from "../../../eval/tiers.ts";
import { longspanHome, runsFolder } from "../../../hub/home.ts";
import { CapacityError, InputError } from "../../../runtime/errors.ts";
import { planArgument } from "../../arguments.ts";
import { interruptible } from "../../interrupt.ts";
import { version } from "../../version.ts";
import {
  addSourceOptions,
  addTargetOptions,
  lengthsArgument,
  type SourceOptions,
  samplesArgument,
  type TargetOptions,
} from "./options.ts";
import { printSummary } from "./print.ts";
import { openTarget, type Target } from "./target.ts";
import { announceRun } from "./watch.ts";

export interface RunCommandOptions extends TargetOptions, SourceOptions {
  tier?: TierName;
  lengths?: number[];
  samples?: (length: number) => number;
  out?: string;
  resume?: true;
  cache: boolean;
  dryRun?: true;
  json?: true;
}

const EXAMPLES = `
TASKS are ids or families out of \`longspan eval tasks\`; without any, those of
the tier. Every answer is appended to a log in --out (default: a folder under
LONGSPAN_HOME), so that nothing is lost: --resume goes on with it. At the end
stand a table here and a report.html there. With --also the runs of the further
plans go to FOLDER-2, FOLDER-3, …, and the report shows all of them: plans that
drop only after reading share one reading of each prompt.

Tiers: ${tierNames.map((name) => `${name}: ${tiers[name].summary}`).join("\n       ")}

Examples:
  $ longspan eval run --tier smoke
  $ longspan eval run ruler --model smollm2-135m --lengths 2k,4k,8k --samples 25 --out runs/smollm2
  $ longspan eval run needle_fact --lengths 8k --also '{"cache":{"score":"snapkv","budget":2048}}' --out runs/needle
  $ longspan eval run vt cwe --lengths 8k --samples 5 --context-cache   # the same with another --plan hardly reads
  $ longspan eval run needle_fact --lengths 4k,16k --plan '{"cache":{"format":"f32"}}'
  $ LONGSPAN_API_KEY=… longspan eval run --tier smoke --endpoint https://host/v1 --prices 0.15,0.60
  $ longspan eval run vt cwe --endpoint http://localhost:8080/v1 --tokenizer smollm2-135m`;

export function runCommand(): Command {
  const command = new Command("run")
    .description("run tasks against a model under a plan, or against an endpoint")
    .argument("[tasks...]", "task ids or families (default: those of the tier)");
  addSourceOptions(addTargetOptions(command));
  return addRunOptions(command)
    .addOption(new Option("--tier <tier>", "ready-made tasks, lengths and number of samples").choices(tierNames))
    .option("-l, --lengths <n,n,…>", "tokens of prompt and answer together: 4096 or 4k", lengthsArgument)
    .option("-s, --samples <n>", "samples of each task at each length: 25, or 2k:25,8k:10", samplesArgument)
    .addHelpText("after", EXAMPLES)
    .action(run);
}

export function addRunOptions(command: Command): Command {
  const another = (text: string, earlier: readonly Plan[] = []) => [...earlier, planArgument(text)];
  return command
    .option("--also <plan>", "a further plan on the same samples, side by side; repeatable", another)
    .option("-o, --out <folder>", "where the run's log and report go")
    .option("--resume", "go on with the run in --out")
    .option("--no-cache", "do not take answers from earlier runs")
    .option("--context-cache", "keep what is read of the prompts, for runs under other plans (see: longspan cache)")
    .option("--dry-run", "say how much there is to do, and stop")
    .option("--json", "print one JSON object instead of the tables");
}

async function run(names: string[], options: RunCommandOptions): Promise<void> {
  if (names.length === 0 && options.tier === undefined)
    throw new InputError("eval: expected tasks or a --tier, got neither. Write: longspan eval run --tier smoke.");
  const tier = tiers[options.tier ?? "standard"];
  const tasks = findTasks(names.length > 0 ? names : tier.tasks, options.data);
  const { signal } = interruptible();
  const target = await openTarget(options, signal);
  try {
    const [{ contextLength, name }] = target.backends;
    const lengths = options.lengths ?? tier.lengths.filter((length) => length <= contextLength);
    const samples = options.samples ?? (() => tier.samples);
    if (Math.max(...lengths) > contextLength)
      throw new CapacityError(
        `--lengths: the longest is ${Math.max(...lengths)} tokens, the context of ${name} is ${contextLength}. Pass shorter --lengths.`,
        { expected: contextLength, got: Math.max(...lengths) },
      );
    await runOn(target, { tasks, lengths, samples }, options, signal);
  } finally {
    await target.dispose();
  }
}

interface Wanted extends Pick<RunOptions, "tasks" | "lengths" | "samples"> {
  /** Tokens of each sample, prompt and answer, where they do not fill their length. */
  readonly sizes?: readonly number[];
}

/** Runs tasks on a target as the options say, and prints what came out. */
export async function runOn(
  target: Target,
  { tasks, lengths, samples, sizes }: Wanted,
  options: SourceOptions & Pick<RunCommandOptions, "out" | "resume" | "cache" | "dryRun" | "json">,
  signal: AbortSignal,
): Promise<void> {
  const { backends, plans } = target;
  const haystack = await openHaystack(options.haystack);
  const about = { tasks, lengths, samples, seed: options.seed, haystack, version: version() };
  const infos = backends.map((backend, i) => runInfo({ backend, plan: plans?.[i], ...about }));
  if (options.resume && options.out === undefined)
    throw new InputError("--resume: expected the run's folder in --out, got none. Pass --out FOLDER.");
  const folder = resolve(options.out ?? join(runsFolder(), infos[0].id));
  const folders = infos.map((_, i) => (i === 0 ? folder : `${folder}-${i + 1}`));
  const cells =
    sizes?.map((length) => ({ length, samples: 1 })) ??
    lengths.map((length) => ({ length, samples: tasks.length * samples(length) }));
  if (options.dryRun) {
    await announceRun({ backends, haystack, cells, rows: [] }, signal);
    return;
  }
  const logs: RunLog[] = [];
  const cache = options.cache ? openAnswerCache(join(longspanHome(), "eval", "answers")) : undefined;
  try {
    infos.forEach((info, i) => {
      logs.push(openLog(folders[i], info, { resume: options.resume ?? false }));
    });
    const watch = await announceRun({ backends, haystack, cells, rows: logs.flatMap(({ rows }) => rows) }, signal);
    const lanes = logs.map((log, i) => ({ backend: backends[i], log }));
    const source = { seed: options.seed, haystack, files: options.data };
    const { onEvent } = watch;
    const results = await runTasks({ lanes, tasks, lengths, samples, source, cache, signal, onEvent }).finally(
      watch.finish,
    );
    if (results.every(({ rows, failed }) => rows.length === 0 && failed === 0))
      throw new InputError("eval: no sample could be made; the reasons stand above. Pass other --lengths or tasks.");
    for (const own of folders.slice(1)) writeReport([own]);
    const report = writeReport(folders);
    for (const [i, { info, name }] of nameRuns(infos.map((info) => ({ info }))).entries())
      await printSummary(results[i], {
        info,
        title: infos.length > 1 ? name : undefined,
        folder: folders[i],
        report: report.html,
        totals: target.totals?.(),
        json: options.json ?? false,
      });
  } catch (error) {
    if (signal.aborted) process.stderr.write(`The answers so far are kept. Go on with: --out ${folder} --resume\n`);
    throw error;
  } finally {
    for (const log of logs) log.close();
  }
}
