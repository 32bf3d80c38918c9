/** What crosses between the calling thread and the controller: parameters and results of its calls. */
import type { Calibration } from "../context/cache/calibration.ts";
import type { CachePlan, Dropping } from "../context/cache/plan.ts";
import type { Plan } from "../context/plan.ts";
import type { Gguf } from "../formats/gguf.ts";
import type { ModelConfig } from "../model/config.ts";
import type { Sampled } from "./log-probs.ts";
import type { SamplingOptions } from "./sampler.ts";

export interface LoadParams {
  path: string;
  tensors: Gguf["tensors"];
  config: ModelConfig;
  threads: number;
  chunk: number;
  techniques?: readonly string[];
  calibration?: Calibration;
  profile?: boolean;
}
export interface LoadResult {
  kernelBuild: string;
}

export interface OpenCall {
  session: number;
  plan: Plan;
  collect?: readonly CachePlan[];
  statistics?: boolean;
  trace?: boolean;
  recall?: boolean;
}
export interface PrefillCall {
  session: number;
  tokenIds: Int32Array;
  /** Of the prompt, in this call's reading and in later ones. */
  tokensAfter: number;
  /** Whether the logits of its last token are kept. Default: if none come after it. */
  last?: boolean;
  all: boolean;
  hidden?: boolean;
  targets?: Int32Array;
}
export interface LayerChunkCall {
  session: number;
  layer: number;
  first: number;
  count: number;
  /** After it, the layer is done: its slots are dropped. */
  dropping?: Dropping;
  /** Its last token's logits are kept. */
  last: boolean;
  targets?: Int32Array;
}
export interface SelectingChunkCall {
  session: number;
  /** What the chunk is of: all tokens of the prompt, or those that go on. */
  of: "all" | "selected";
  first: number;
  count: number;
  /** Its last token's logits are kept. */
  last: boolean;
}
export interface ExportBlocksCall {
  session: number;
  first: number;
  count: number;
  /** Whether they are of what is below a selection. */
  isBelow: boolean;
}
export interface ImportBlocksCall {
  session: number;
  blocks: readonly Uint8Array[];
  isBelow: boolean;
}
export interface LinkCall {
  session: number;
  /** The session that has read the tokens. */
  from: number;
  start: number;
  end: number;
}
export interface Truncated {
  /** Tokens that are left. */
  length: number;
  /** They are the beginning of a prompt in its lower layers only. */
  awaitsEnd: boolean;
}
export interface BeginCall {
  session: number;
  options: SamplingOptions;
  logProbs?: number;
  mask?: Uint32Array;
}
export interface BeginResult {
  first: Sampled;
  /** Whether tokens that may come next can be computed with a step. */
  canRunAhead: boolean;
}
export interface PrefillResult {
  logits?: Float32Array;
  hidden?: Float32Array;
  logProbs?: Float64Array;
}
