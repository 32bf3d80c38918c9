/** The decode axis: which of the past a token that is written attends to, in layers that see all of it. */
import type { z } from "zod";
import type { Technique } from "../technique.ts";

/** What stands for a page of 64 slots. */
export interface PageIndex {
  /** Least and greatest value of every channel in each run of so many slots: products with these are upper bounds. Or the mean of the keys. */
  readonly kind: "bounds" | "mean";
  readonly slots: number;
}

export interface DecodeNeeds {
  readonly index: PageIndex;
  /** Pages are chosen anew at positions that are multiples of this. */
  readonly every: number;
}

/** What the tokens of a step see, as the query heads of one KV head. */
export interface DecodeStep {
  readonly layer: number;
  /** Sealed pages, all before the tokens' own, in the order of the text. */
  readonly pages: number;
  /** f32 [rows][pages]: for every query head of every token, what its products with the keys of a page are at most (or that with their mean), times log2 e / √d. */
  readonly scores: Float32Array;
}

export interface DecodeMethod<Options = never> {
  readonly id: string;
  readonly summary: string;
  readonly source: string;
  readonly options: z.ZodObject;
  /** None where everything is seen. */
  needs?(options: Options): DecodeNeeds;
  /** Whether a layer sees everything that is there in so many pages. */
  seesAll(options: Options, layer: number, pages: number): boolean;
  /** Pages that are seen besides the tokens' own, ascending. */
  choose(options: Options, step: DecodeStep): readonly number[];
}

/** Checks a method's types, and forgets its options' for the registry. */
export function defineDecode<Schema extends z.ZodObject>(
  method: Omit<DecodeMethod<z.infer<Schema>>, "options"> & { readonly options: Schema },
): DecodeMethod & Technique {
  return method as unknown as DecodeMethod & Technique;
}
