/** Options that the eval commands share. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import type { Plan } from "../../../context/plan.ts";
import type { Choice, Technique, TechniqueRegistry } from "../../../context/technique.ts";
import type { Prices } from "../../../eval/backends/endpoint/index.ts";
import { type PromptMode, promptModes } from "../../../eval/types.ts";
import { InputError } from "../../../runtime/errors.ts";
import { wholeNumber } from "../../arguments.ts";
import { addComputeOptions, addModelOption, type ComputeOptions } from "../../options.ts";

export interface TargetOptions extends ComputeOptions {
  model: string;
  /** Further plans, of commands that take several. */
  also?: readonly Plan[];
  /** Whether prompts are taken from the context cache and kept there. */
  contextCache?: true;
  endpoint?: string;
  endpointModel?: string;
  tokenizer?: string;
  contextLength?: number;
  mode?: PromptMode;
  concurrency: number;
  timeout: number;
  prices?: Prices;
}

/** What is evaluated: a model of ours with a plan, or an endpoint. */
export function addTargetOptions(command: Command): Command {
  return addComputeOptions(addModelOption(command))
    .option("-e, --endpoint <url>", "evaluate an OpenAI-compatible server instead (http://host:port/v1)")
    .option("--endpoint-model <name>", "the server's model (default: its first)")
    .option("--tokenizer <model>", "model file or name whose tokens the endpoint counts: exact lengths, chat+prefill")
    .option(
      "--context-length <n>",
      "the endpoint's context (default: what it says)",
      wholeNumber("--context-length", 1),
    )
    .addOption(
      new Option("--mode <mode>", "how prompts are put (default: chat+prefill where there is a chat template)").choices(
        promptModes,
      ),
    )
    .option("--concurrency <n>", "requests in flight at an endpoint", wholeNumber("--concurrency", 1), 4)
    .option("--prices <prompt,output>", "of a million tokens each, to say what it cost", pricesArgument)
    .option("--timeout <seconds>", "longest wait for an endpoint's answer", wholeNumber("--timeout", 1), 600);
}

export interface SourceOptions {
  haystack: string;
  data: ReadonlyMap<string, string>;
  seed: number;
}

/** What samples are made of. */
export function addSourceOptions(command: Command): Command {
  return command
    .option("--haystack <name|path>", "long text: speeches, moby-dick, or files of yours", "speeches")
    .addOption(
      new Option("--data <name=path>", "files that some tasks need (squad, hotpotqa, repo, …); repeatable")
        .argParser(dataArgument)
        .default(new Map(), "none"),
    )
    .option("--seed <n>", "other samples for another seed", wholeNumber("--seed", 0), 42);
}

export function pricesArgument(text: string): Prices {
  const [promptMillion, outputMillion, ...more] = text.split(",").map((part) => Number(part.trim() || Number.NaN));
  if (!(promptMillion >= 0 && outputMillion >= 0) || more.length > 0)
    throw new InputError(`--prices: expected two numbers, got "${text}". Write for example --prices 0.15,0.60.`);
  return { promptMillion, outputMillion };
}

export function dataArgument(text: string, earlier: ReadonlyMap<string, string>): Map<string, string> {
  const [, name, path] = /^([\w-]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined)
    throw new InputError(`--data: expected name=path, got "${text}". Write for example --data squad=dev-v2.0.json.`);
  if (!existsSync(path))
    throw new InputError(
      `--data: expected a file or folder for ${name}, got "${path}": there is none. Check the path.`,
    );
  return new Map([...earlier, [name, resolve(path)]]);
}

/** 4096, 4k or 4K; several with commas between them, in ascending order. */
export function lengthsArgument(text: string): number[] {
  return tokenCounts("--lengths", 1, text);
}

/** The same, and 0. */
export function contextsArgument(text: string): number[] {
  return tokenCounts("--contexts", 0, text);
}

function tokenCounts(option: string, least: number, text: string): number[] {
  const lengths = text.split(",").map((part) => {
    const [, digits, kilo] = /^(\d+(?:\.\d+)?)(k?)$/i.exec(part.trim()) ?? [];
    const length = Number(digits) * (kilo ? 1024 : 1);
    if (!(Number.isInteger(length) && length >= least))
      throw new InputError(
        `${option}: expected tokens such as 4096 or 4k, got "${part}". Write for example ${option} 4k,8k.`,
      );
    return length;
  });
  return [...new Set(lengths)].sort((a, b) => a - b);
}

/** 25, or 2k:25,8k:10: how many at which length. */
export function samplesArgument(text: string): (length: number) => number {
  const parse = wholeNumber("--samples", 1);
  if (!text.includes(":")) {
    const count = parse(text);
    return () => count;
  }
  const counts = new Map(
    text.split(",").map((part) => {
      const [length, count] = part.split(":");
      return [lengthsArgument(length)[0], parse(count ?? "")];
    }),
  );
  return (length) => {
    const count = counts.get(length);
    if (count === undefined)
      throw new InputError(
        `--samples: expected a number for ${length} tokens, got "${text}". Write ${length}:25 as well.`,
      );
    return count;
  };
}

/** Parser of an option that names techniques of an axis: ids with commas, or a JSON array of choices with options. */
export function choicesOf(registry: TechniqueRegistry<Technique>): (text: string) => Choice[] {
  return (text) => {
    let choices: unknown = text.split(",").map((id) => id.trim());
    try {
      if (text.trim().startsWith("[")) choices = JSON.parse(text);
    } catch {
      throw new InputError(`${registry.axis}: expected ids with commas or a JSON array, got "${text}". Correct it.`);
    }
    return (choices as unknown[]).map((choice) => {
      const parsed = registry.choice.safeParse(choice);
      if (!parsed.success) throw new InputError(`${registry.axis}: ${parsed.error.issues[0].message}. Correct it.`);
      return parsed.data;
    });
  };
}
