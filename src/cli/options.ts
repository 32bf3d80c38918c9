/** Options that several commands share, so that they mean and say the same everywhere. */
import { type Command, Option } from "commander";
import { defaultPlan, type Plan } from "../context/plan.ts";
import type { GenerateOptions } from "../engine/types.ts";
import { defaultModel } from "../hub/catalogue.ts";
import {
  decimalNumber,
  type PlanOrAuto,
  planArgument,
  planOrAutoArgument,
  threadCount,
  wholeNumber,
} from "./arguments.ts";

export interface ThreadsOptions {
  threads?: number;
}

export interface ComputeOptions<P = Plan> extends ThreadsOptions {
  plan: P;
}

/** Of commands that know the length of their prompt before they load a model. */
export type AutoComputeOptions = ComputeOptions<PlanOrAuto>;

export interface SamplingOptions {
  maxTokens: number;
  temperature?: number;
  topK?: number;
  topP?: number;
  minP?: number;
  seed?: number;
}

export function addModelOption(command: Command): Command {
  return command.option("-m, --model <model>", "catalogue name, GGUF file, or hf:owner/repo/file.gguf", defaultModel);
}

export function addComputeOptions(command: Command): Command {
  return withPlan(command, "context plan: preset, inline JSON or a JSON file", planArgument);
}

export function addAutoComputeOptions(command: Command): Command {
  return withPlan(command, "context plan: preset, inline JSON, a JSON file, or auto", planOrAutoArgument);
}

function withPlan(command: Command, description: string, parse: (text: string) => PlanOrAuto): Command {
  return addThreadsOption(
    command.addOption(
      new Option("-p, --plan <plan>", description)
        .argParser(parse)
        .default(defaultPlan, "exact attention, 8-bit cache"),
    ),
  );
}

/** Of commands that set the plans themselves. */
export function addThreadsOption(command: Command): Command {
  return command.option(
    "-t, --threads <n>",
    "threads that compute (default: the cores this process may use)",
    threadCount,
  );
}

export function addSamplingOptions(command: Command): Command {
  return command
    .option("-n, --max-tokens <n>", "longest answer, in tokens", wholeNumber("--max-tokens", 1), 512)
    .option("--temperature <x>", "0 always takes the likeliest token", decimalNumber("--temperature", 0, 5), 0)
    .option("--top-k <n>", "sample among the n likeliest tokens", wholeNumber("--top-k", 1))
    .option("--top-p <x>", "sample among tokens that sum to x", decimalNumber("--top-p", 0, 1))
    .option("--min-p <x>", "sample among tokens with x of the likeliest's probability", decimalNumber("--min-p", 0, 1))
    .option("--seed <n>", "repeat the same choices", wholeNumber("--seed", 0));
}

export function samplingOf(options: SamplingOptions): GenerateOptions {
  const { maxTokens, temperature, topK, topP, minP, seed } = options;
  return { maxTokens, temperature, topK, topP, minP, seed };
}
