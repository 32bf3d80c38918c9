/** What an allocation is: which slots of which heads stay, given their scores and how many may. */
import type { z } from "zod";
import type { Technique } from "../../technique.ts";

/** One KV head of one layer. Forced slots (sinks, window) have the score Infinity. */
export interface HeadScores {
  readonly layer: number;
  readonly kvHead: number;
  /** [slots], in ascending order of position. */
  readonly scores: Float32Array;
  /** Positions of the slots. */
  readonly positions: Int32Array;
  /** How much the head looks far back, in [0, 1]: from a calibration, if the allocation asks for one. */
  readonly retrieval?: number;
}

export interface AllocationRequest {
  /** Slots to keep per head, on average over all heads of the layer (of the model, for scope "model"). */
  readonly budget: number;
  /** Layers that the plan drops from, in order: those without a sliding window. */
  readonly numLayers: number;
  /** Tokens read so far. */
  readonly length: number;
}

export interface CacheAllocation<Schema extends z.ZodObject = z.ZodObject> extends Technique<Schema> {
  readonly source: string;
  /** Whether it divides the budget of one layer, or needs the scores of all layers at once. */
  readonly scope: "layer" | "model";
  /** It sorts heads by a calibration measured for this model before. */
  readonly needsCalibration?: boolean;
  /** For each head the indices of the slots to keep, ascending. `layer` of a head counts the layers that are dropped from. */
  keep(heads: readonly HeadScores[], request: AllocationRequest, options: z.infer<Schema>): Int32Array[];
}

export function defineAllocation<Schema extends z.ZodObject>(
  allocation: CacheAllocation<Schema>,
): CacheAllocation<Schema> {
  return allocation;
}
