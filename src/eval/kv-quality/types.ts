/** What a comparison of two plans is asked for, and what it says. Results are plain JSON. */
import type { Plan } from "../../context/plan.ts";
import type { Interval } from "../statistics/interval.ts";
import type { Draft, PromptMode, Score } from "../types.ts";
import type { Divergence, Mean } from "./divergence.ts";

/** A Sample of a task, or a prompt made for this. */
export interface KvQualitySample extends Draft {
  readonly id: string;
  readonly task: string;
  /** Text that goes on where the prompt ends: divergence is measured along it as well. */
  readonly continuation?: string;
}

export interface KvQualityOptions {
  readonly plan: Plan;
  /** What nothing was saved in. Default: f32 pages, all tokens kept. */
  readonly reference?: Plan;
  readonly samples: readonly KvQualitySample[];
  /** Default raw. */
  readonly mode?: PromptMode;
  /** Whether the question is there when the context is read. Default false, which is harder. */
  readonly questionKnown?: boolean;
  /** Most steps of an answer or continuation that are compared. Default 128: the reference's logits are held. */
  readonly steps?: number;
  /** What an answer is worth. Without it, or where it says nothing, answers are only compared with each other. */
  score?(output: string, sample: KvQualitySample): Score | undefined;
  readonly signal?: AbortSignal;
  /** Prompt tokens read, of those of all samples with both plans. */
  onProgress?(done: number, total: number): void;
}

export interface KvQualityResult {
  readonly model: string;
  readonly plan: Plan;
  readonly reference: Plan;
  readonly mode: PromptMode;
  readonly questionKnown: boolean;
  /** Teacher-forced along the reference's greedy answers; absent where it answered nothing. */
  readonly answer?: Divergence;
  /** Along the samples' continuations; absent where there are none. */
  readonly continuation?: Divergence;
  readonly agreement: Agreement;
  /** By task, where answers were scored. */
  readonly tasks: readonly TaskRetention[];
  readonly resources: { readonly reference: Resources; readonly plan: Resources };
  readonly samples: readonly SampleQuality[];
}

/** Of answers that both plans wrote freely. */
export interface Agreement {
  readonly n: number;
  /** Share of samples with the same tokens. */
  readonly exactMatch: Mean;
  /** Of the samples that differ: median index of the first token that does. Absent where all are equal. */
  readonly medianFirstDivergence?: number;
}

export interface TaskRetention {
  readonly task: string;
  readonly n: number;
  /** Mean scores. */
  readonly reference: number;
  readonly plan: number;
  /** plan / reference; absent where the reference scores 0. */
  readonly retention?: number;
  /** plan − reference, paired. */
  readonly difference: number;
  readonly interval: Interval;
}

export interface Resources {
  readonly cacheBytesPerToken: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly prefillSeconds: number;
  readonly decodeSeconds: number;
}

export interface SampleQuality {
  readonly id: string;
  readonly task: string;
  readonly group: string;
  readonly depth?: number;
  readonly contextTokens: number;
  readonly promptTokens: number;
  readonly output: { readonly reference: string; readonly plan: string };
  readonly score?: { readonly reference: number; readonly plan: number };
  /** Index of the first token that differs; absent where the answers are equal. */
  readonly firstDivergence?: number;
  readonly answer?: StepFigures;
  readonly continuation?: StepFigures;
}

export interface StepFigures {
  readonly steps: number;
  readonly meanKl: number;
  readonly maxKl: number;
  /** Share of steps with the same most likely token. */
  readonly top1: number;
}
