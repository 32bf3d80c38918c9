/**
 * What a score is: a number for every slot of every KV head of a layer, the higher the more it deserves to be kept.
 * A pure function of a view; only the engine moves pages. Which slots stay is the allocation's business, and the engine's
 * alone that sinks and window always do.
 */
import type { z } from "zod";
import type { Technique } from "../../technique.ts";

/** One layer of a cache as a score sees it. Slots of a head stand in ascending order of position. All arrays are read-only. */
export interface LayerView {
  readonly layer: number;
  readonly numLayers: number;
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly headDim: number;
  /** Tokens read so far: positions are below it. Slots may be fewer, if some were dropped before. */
  readonly length: number;
  /** First tokens that always stay, as the plan says. */
  readonly sinks: number;
  /** Slots that will be kept per KV head, on average. */
  readonly budget: number;
  /** [slots] */
  positions(kvHead: number): Int32Array;
  /** f32 [slots][headDim], after RoPE, as the cache holds them. */
  keys(kvHead: number): Float32Array;
  /** f32 [slots][headDim] */
  values(kvHead: number): Float32Array;
  /** [slots]: for each vector x of keys or values Σ_r |M_r · x|^power, matrix [rows][headDim]. Runs on all threads. */
  projected(kvHead: number, of: "keys" | "values", matrix: Float32Array, power: 1 | 2): Float32Array;
  /**
   * [slots]: softmax(q·k/√headDim) of the last `rows` queries, causal, over all slots of the head; mean over the queries and the
   * query heads of the group. Needs `queries` of at least `rows`.
   */
  attention(kvHead: number, rows: number): Float32Array;
  /** [slots]: the same summed over every query so far, mean over the group. Needs `attentionSums`. */
  attentionSums(kvHead: number): Float32Array;
  /** [slots]: the most that any query of a second reading gave the slot, over the group. Needs `secondReading`. */
  secondReading(kvHead: number): Float32Array;
  /** Mean and covariance of a query head's queries before RoPE. Needs `statistics`, or a calibration where `stored`. */
  queryStatistics(head: number): QueryStatistics;
  /** The layer's rotary embedding. */
  readonly rotary: RotaryView;
  /** Columns of the attention's output matrix that a query head meets: f32 [hiddenSize][headDim]. */
  outputWeight(head: number): Float32Array;
  /** Uniform numbers in [0, 1), the same for the same (layer, KV head): [slots], by position. */
  random(kvHead: number): Float32Array;
}

export interface QueryStatistics {
  /** Queries counted: the first `sinks` (at least 4) tokens are left out. */
  readonly count: number;
  /** f64 [headDim] */
  readonly mean: Float64Array;
  /** f64 [headDim][headDim], divided by count. */
  readonly covariance: Float64Array;
}

export interface RotaryView {
  /** Leading dimensions that turn. */
  readonly dimensions: number;
  /** Radians per position of pair m. */
  readonly inverse: Float64Array;
  readonly attentionFactor: number;
  /** Pairs are (2m, 2m + 1) rather than (m, m + dimensions / 2). */
  readonly interleaved: boolean;
}

/** What has to be gathered while a text is read, because the cache alone does not have it. */
export interface ScoreNeeds {
  /** Queries of so many last tokens. */
  readonly queries?: number;
  readonly statistics?: boolean;
  readonly attentionSums?: boolean;
  /** The text is read once more, by KVzip's protocol, when scores are wanted. */
  readonly secondReading?: boolean;
  /** A calibration measured for this model before: `longspan models calibrate`. */
  readonly calibration?: boolean;
}

export interface CacheScore<Schema extends z.ZodObject = z.ZodObject> extends Technique<Schema> {
  /** Paper and, where it was followed, the repository. */
  readonly source: string;
  needs?(options: z.infer<Schema>): ScoreNeeds;
  /** [KV heads] of [slots]. */
  score(view: LayerView, options: z.infer<Schema>): Float32Array[];
}

/** A score with the types that its options' schema gives. */
export function defineScore<Schema extends z.ZodObject>(score: CacheScore<Schema>): CacheScore<Schema> {
  return score;
}

/** [KV heads] of what `row` gives for each. */
export function forEachHead(view: LayerView, row: (kvHead: number) => Float32Array): Float32Array[] {
  return Array.from({ length: view.numKvHeads }, (_, kvHead) => row(kvHead));
}
