/** What a run, or two runs on the same samples, come to. Scores are from 0 to 1; intervals are 95 %; plain JSON. */
import type { DepthBin } from "../statistics/depth-bins.ts";
import type { EffectiveLength } from "../statistics/effective-length.ts";
import type { Interval } from "../statistics/interval.ts";
import type { IntervalMethod } from "../statistics/mean-interval.ts";
import type { PositionBias } from "../statistics/position-bias.ts";
import type { PromptMode } from "../types.ts";

export type { DepthBin, EffectiveLength, Interval, IntervalMethod, PositionBias };

export interface Summary {
  /** One mode only: scores of different modes are not comparable. */
  readonly mode: PromptMode;
  /** All lengths of the run, ascending. */
  readonly lengths: readonly number[];
  /** In order of first appearance, as everything here. */
  readonly families: readonly FamilySummary[];
  readonly totals: Totals;
}

export interface FamilySummary {
  readonly family: string;
  readonly tasks: readonly TaskSummary[];
  /** Means over tasks that are no controls, by ascending length. */
  readonly macros: readonly MacroSummary[];
  /** Absolute, relative, statistical; none with fewer than two complete lengths. */
  readonly effectiveLengths: readonly EffectiveLength[];
  /** Area under the curve of score over log2 length, as a mean score; absent with fewer than two complete lengths. */
  readonly areaScore?: number;
}

export interface TaskSummary {
  readonly task: string;
  readonly family: string;
  /** By ascending length; only lengths that were run. */
  readonly cells: readonly CellSummary[];
  /** For tasks whose samples have a depth. */
  readonly depths?: DepthTable;
  /** For the same, where first, middle and last fifth all have samples. */
  readonly positionBias?: PositionBias;
}

/** The samples of one task at one length. */
export interface CellSummary {
  readonly family: string;
  readonly task: string;
  readonly length: number;
  readonly mode: PromptMode;
  /** Samples that count. */
  readonly n: number;
  /** Samples with a cut prompt: counted here, and nowhere else. */
  readonly truncated: number;
  /** Mean score; absent with its interval where no sample counts. */
  readonly score?: number;
  readonly interval?: Interval;
  readonly method?: IntervalMethod;
  /** Means of the further scores by name. */
  readonly scores: Readonly<Record<string, number>>;
  /** Mean share of the target length that prompt and answer may use. */
  readonly fill: number;
  /** Sums over the samples that count. */
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  readonly seconds: number;
  /** cachedTokens / promptTokens */
  readonly cachedShare: number;
}

/** Unweighted mean over the tasks of a family at one length. */
export interface MacroSummary {
  readonly length: number;
  /** Tasks that went into the mean. */
  readonly tasks: number;
  /** Tasks of the family without a score at this length: its mean must not be compared with complete ones. */
  readonly missing: readonly string[];
  readonly score: number;
  readonly interval: Interval;
}

/** Score by length and depth, for a heat map. */
export interface DepthTable {
  /** Columns, ascending. */
  readonly lengths: readonly number[];
  /** Rows, from the beginning of the context to its end. */
  readonly bins: readonly DepthBin[];
  /** cells[bin][column] */
  readonly cells: readonly (readonly DepthCell[])[];
}

export interface DepthCell {
  /** 0 where nothing was measured: no score then. */
  readonly n: number;
  readonly score?: number;
  readonly interval?: Interval;
}

export interface Totals {
  /** Samples that count, and those with a cut prompt. */
  readonly samples: number;
  readonly truncated: number;
  /** Answered from an earlier run: their tokens and seconds are those of then. */
  readonly fromCache: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  /** Sum over requests: more than the clock's where they ran at once. */
  readonly seconds: number;
}

/** Run b against run a on the same prompts; differences are b - a. */
export interface Comparison {
  readonly mode: PromptMode;
  /** Samples that both runs have with the same prompt. */
  readonly paired: number;
  readonly leftOut: LeftOut;
  /** By task and length; p adjusted over all of them. */
  readonly cells: readonly ComparedCell[];
  /** By family and length; p adjusted over all of them. */
  readonly macros: readonly ComparedMacro[];
  /** Of the paired samples. */
  readonly a: Totals;
  readonly b: Totals;
}

export interface LeftOut {
  /** Same task, length and index, but another prompt: other seed, haystack, tokenizer or task version. */
  readonly differentPrompt: number;
  readonly onlyInA: number;
  readonly onlyInB: number;
  /** Cut in one run or in both. */
  readonly truncated: number;
}

export type Verdict = "better" | "worse" | "no real difference";

/** A paired difference and what to think of it. */
export interface Difference {
  readonly family: string;
  readonly length: number;
  readonly n: number;
  /** Mean scores of the paired samples. */
  readonly a: number;
  readonly b: number;
  readonly difference: number;
  readonly interval: Interval;
  readonly p: number;
  /** By Holm's method. */
  readonly adjustedP: number;
  /** "better" and "worse" only where adjustedP < 0.05. */
  readonly verdict: Verdict;
}

export interface ComparedCell extends Difference {
  readonly task: string;
  /** mcnemar: exact, for independent 0/1 scores. sign-flip: permutation test over groups, for all others. */
  readonly test: "mcnemar" | "sign-flip";
  /** Samples that got better and that got worse. */
  readonly wins: number;
  readonly losses: number;
}

export interface ComparedMacro extends Difference {
  readonly tasks: number;
}
