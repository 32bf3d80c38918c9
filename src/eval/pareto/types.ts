/** What a sweep over ways of dropping is asked for, and what it says. Results are plain JSON. */
import type { Choice } from "../../context/technique.ts";
import type { KvQualitySample } from "../kv-quality/types.ts";
import type { Interval } from "../statistics/interval.ts";
import type { PromptMode, Score } from "../types.ts";

export interface SweepOptions {
  readonly samples: readonly KvQualitySample[];
  readonly scores: readonly Choice[];
  readonly allocations: readonly Choice[];
  /** Shares of the tokens read that are kept, in (0, 1). */
  readonly shares: readonly number[];
  /** Whether the scorer has seen the question: without, with, or both. */
  readonly questionKnown: readonly boolean[];
  /** Default: chat+prefill where there is a template. */
  readonly mode?: PromptMode;
  /** Most tokens of an answer that are compared. Default 48. */
  readonly steps?: number;
  /** Tokens that always stay. Default 4 and 64. */
  readonly sinks?: number;
  readonly window?: number;
  score(output: string, sample: KvQualitySample): Score | undefined;
  readonly signal?: AbortSignal;
  /** Of an earlier sweep of the same model: samples whose plans were all tried are taken from it. */
  readonly done?: readonly TriedSample[];
  /** After each sample that was tried: the result so far. */
  onResult?(result: SweepResult): void;
  /** Plans tried, of those of all samples. */
  onProgress?(done: number, total: number): void;
}

/** One way of dropping, or none: the full cache. */
export interface SweepPlan {
  readonly score: string;
  readonly allocation: string;
  readonly share: number;
  readonly questionKnown: boolean;
}

/** One sample under every plan. */
export interface TriedSample {
  /** Hash of the prompt. */
  readonly prompt: string;
  readonly id: string;
  readonly task: string;
  readonly group: string;
  readonly tokens: number;
  /** Task score of the full cache. */
  readonly full: number;
  readonly trials: readonly SweepTrial[];
}

export interface SweepTrial extends SweepPlan {
  readonly quality: number;
  /** Nats a token over `steps` tokens, of which `sameTop` have the same likeliest one. */
  readonly kl: number;
  readonly steps: number;
  readonly sameTop: number;
  readonly bytesShare: number;
  readonly seconds: number;
}

export interface SweepRow extends SweepPlan {
  /** Samples. */
  readonly n: number;
  /** Mean task score with its 95 % interval. */
  readonly quality: number;
  readonly interval: Interval;
  /** By task. */
  readonly tasks: Readonly<Record<string, number>>;
  /** Nats a token along the full cache's greedy answer, mean over samples. */
  readonly kl: number;
  /** Share of those tokens that are the most likely one here too. */
  readonly top1: number;
  /** Of the cache after dropping, over that of the full cache. */
  readonly bytesShare: number;
  /** Seconds to score and drop, mean. The sweep shares scores between budgets, so only the first budget pays. */
  readonly seconds: number;
}

export interface SweepResult {
  readonly model: string;
  readonly mode: PromptMode;
  readonly samples: number;
  readonly meanTokens: number;
  /** The full cache. */
  readonly full: {
    readonly quality: number;
    readonly interval: Interval;
    readonly tasks: Readonly<Record<string, number>>;
  };
  readonly rows: readonly SweepRow[];
  readonly tried: readonly TriedSample[];
}
