/** Reads short prompts with full attention where a plan's sparse prefill would be no faster, and measures from what length on it is. */
import type { Command } from "commander";
import type { Plan } from "../context/plan.ts";
import { promptPlan } from "../context/prompt-plan.ts";
import { type ChunkTime, measuredBreakEven } from "../engine/break-even.ts";
import { BreakEvens } from "../hub/break-evens.ts";
import { nodeHost } from "../platform/node.ts";
import { describe } from "./failure.ts";
import type { ModelFile } from "./model.ts";
import type { ThreadsOptions } from "./options.ts";
import { version } from "./version.ts";

export interface ForcePlanOptions {
  forcePlan?: true;
}

export function addForcePlanOption(command: Command): Command {
  return command.option("--force-plan", "read as the plan says, also where full attention is as fast");
}

/** What was measured of a model on this machine. */
export function breakEvensOf({ path }: Pick<ModelFile, "path">, { threads }: ThreadsOptions = {}): BreakEvens {
  return new BreakEvens(path, { threads: threads ?? nodeHost.availableThreads(), version: version() });
}

export class PromptPlans {
  private readonly breakEvens: BreakEvens;
  private readonly force: boolean;

  constructor(file: Pick<ModelFile, "path">, options: ThreadsOptions & ForcePlanOptions) {
    this.breakEvens = breakEvensOf(file, options);
    this.force = options.forcePlan ?? false;
  }

  /** The plan that a prompt is read with; if it is another than was asked for, that is said on stderr, unless `quiet`. */
  planFor(asked: Plan, promptTokens: number, { quiet = false }: { quiet?: boolean } = {}): Plan {
    if (this.force || asked.prefill.method === "full") return asked;
    const { plan, reason } = promptPlan(asked, promptTokens, this.breakEvens.find(asked));
    if (reason && !quiet) process.stderr.write(`${reason} --force-plan reads as asked.\n`);
    return plan;
  }

  /** Keeps what a reading says of its method's break-even, once; with --force-plan anew. */
  remember(plan: Plan, chunks: readonly ChunkTime[]): void {
    const tokens = measuredBreakEven(plan, chunks);
    if (tokens === undefined || (!this.force && this.breakEvens.find(plan) !== undefined)) return;
    try {
      this.breakEvens.store(plan, tokens);
    } catch (error) {
      process.stderr.write(describe(`${(error as Error).message}. The speed of reading is not kept.`));
    }
  }
}
