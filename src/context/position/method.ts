/** What a position method is: how the rotary frequencies of full-attention layers change, and how far that reaches. */
import { z } from "zod";
import type { RopeScaling } from "../../formats/rope-scaling.ts";
import type { Zones } from "./zones.ts";

/** Rotary embedding of a model's full-attention layers, as trained. */
export interface TrainedRope {
  readonly base: number;
  /** Leading dimensions of a head that turn, in pairs. */
  readonly rotary: number;
  /** Tokens that the model was made for. */
  readonly contextLength: number;
  /** Scaling that the file prescribes. */
  readonly scaling?: RopeScaling;
}

export interface Frequencies {
  /** Radians per position of pair m, m = 0 … rotary / 2 − 1. */
  readonly inverse: Float64Array;
  /** Multiplies cosines and sines, so scores get its square. */
  readonly attentionFactor: number;
}

export interface PositionMethod<Schema extends z.ZodObject = z.ZodObject> {
  readonly id: string;
  readonly summary: string;
  readonly source: string;
  readonly options: Schema;
  /** Longest context in tokens under these options. */
  reach(options: z.infer<Schema>, trainedLength: number): number;
  frequencies(options: z.infer<Schema>, trained: TrainedRope): Frequencies;
  /** For methods that see parts of the past from other positions. */
  zones?(options: z.infer<Schema>, trained: TrainedRope): Zones;
}

/** A method with the types that its options' schema gives. */
export function definePosition<Schema extends z.ZodObject>(method: PositionMethod<Schema>): PositionMethod<Schema> {
  return method;
}

/** Options of a method: its own, and what all have. */
export function positionOptions<Id extends string, Shape extends z.ZodRawShape>(id: Id, shape: Shape) {
  return z.strictObject({
    method: z.literal(id),
    ...shape,
    /** Queries are scaled by max(1, ln(i + 1) / ln(trained length)): see log-n.ts. */
    logN: z.literal(true).optional(),
  });
}

/** How many times longer than trained. */
export const factorOption = z.number().gt(1, "expected a factor above 1").max(1024);

/** How many times longer than trained, for methods whose positions have no end: their tables are made for so much. */
export const reachOption = z.number().int().min(2).max(1024).default(16);

/** base^(−2m / rotary) */
export function trainedFrequencies({ base, rotary }: Pick<TrainedRope, "base" | "rotary">): Float64Array {
  return Float64Array.from({ length: rotary / 2 }, (_, m) => base ** ((-2 * m) / rotary));
}
