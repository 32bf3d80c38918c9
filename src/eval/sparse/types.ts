/** What a comparison of sparse prefills is asked for, and what it says. Results are plain JSON. */
import type { Plan } from "../../context/plan.ts";

export interface NamedPlan {
  readonly name: string;
  readonly plan: Plan;
}

export interface SparseOptions {
  /** One token more than the greatest length: the last is predicted, not read. */
  readonly tokenIds: Int32Array;
  /** Tokens that are read, ascending. */
  readonly lengths: readonly number[];
  readonly plans: readonly NamedPlan[];
  /** Last tokens whose predictions are compared, at most: the first of them begins a page. */
  readonly last: number;
  readonly signal?: AbortSignal;
  /** After each plan at each length. */
  onRow?(row: SparseRow): void | Promise<void>;
  /** Tokens read, of those of all lengths, plans and full attention. */
  onProgress?(done: number, total: number): void;
}

/** One query head of a layer without a sliding window. */
export interface SparseHead {
  readonly layer: number;
  readonly head: number;
  /** Pages seen, of those that full attention sees. */
  readonly density: number;
  /** Median share of the attention that is captured; absent where nothing is left out. */
  readonly recall?: number;
}

export interface SparseRecall {
  /** Tokens × query heads × layers. */
  readonly rows: number;
  readonly median: number;
  /** The plan's mass, or 0.9 where it names none, less 0.05. */
  readonly threshold: number;
  /** Of the rows, those whose captured share reaches the threshold. */
  readonly share: number;
}

export interface SparseRow extends NamedPlan {
  readonly tokens: number;
  /** Tokens whose predictions are compared. */
  readonly compared: number;
  /** KL(full attention ‖ plan) in nats a token. */
  readonly kl: number;
  readonly p99Kl: number;
  /** Share of tokens with the same most likely next token. */
  readonly top1: number;
  /** Perplexity under the plan over that of full attention. */
  readonly perplexityRatio: number;
  /** Pages seen, of those that full attention sees, over all heads. */
  readonly density: number;
  /** Absent where no block is far enough in the text to leave anything out. */
  readonly recall?: SparseRecall;
  readonly heads: readonly SparseHead[];
  /** Of reading the tokens before those compared, without what finding out the recall took. One reading. */
  readonly seconds: number;
  /** The same of full attention, which is read once for all plans. */
  readonly fullSeconds: number;
}

export interface SparseResult {
  readonly model: string;
  readonly rows: readonly SparseRow[];
}
