/** The prefill axis: which of the past the tokens of a prompt attend to, in layers that see all of it. */
import type { z } from "zod";
import type { Technique } from "../technique.ts";

/** What the engine has to find out for a method, besides where a block stands. */
export interface PrefillNeeds {
  /** Estimated shares of the attention, from sums along antidiagonals of this stride: QueryBlock.masses. */
  readonly masses?: { readonly stride: number };
  /** Attention of the 64 tokens before each span of so many: QueryBlock.pattern. */
  readonly pattern?: { readonly span: number };
  /** Last tokens of a prompt that may see more than those before them: what was read of them is of no use to a longer prompt. */
  readonly lastTokens?: number;
}

/** 64 tokens of a prompt, as the query heads of one KV head see them. Pages hold 64 slots each, in the order of the text. */
export interface QueryBlock {
  readonly layer: number;
  readonly numLayers: number;
  /** Their own page, the last that they see: pages 0 to `page` are there. */
  readonly page: number;
  /** Tokens of the prompt that come after them. */
  readonly tokensAfter: number;
  /** By page, [page + 1]: of the attention of each query head its part, the mean over heads; they sum to 1. */
  readonly masses: Float32Array;
  /** Attention of the 64 tokens before the span that the block is in, each query head's summed; none before there is any. */
  readonly pattern?: AttentionPattern;
}

export interface AttentionPattern {
  /** By position of the key. */
  readonly vertical: Float32Array;
  /** By distance of key and query. */
  readonly slash: Float32Array;
}

export interface PrefillMethod<Options = never> {
  readonly id: string;
  readonly summary: string;
  readonly source: string;
  readonly options: z.ZodObject;
  needs?(options: Options): PrefillNeeds;
  /** Pages that the block sees besides its own, ascending; none where it sees all. */
  pages(options: Options, block: QueryBlock): readonly number[] | undefined;
}

/** Checks a method's types, and forgets its options' for the registry. */
export function definePrefill<Schema extends z.ZodObject>(
  method: Omit<PrefillMethod<z.infer<Schema>>, "options"> & { readonly options: Schema },
): PrefillMethod & Technique {
  return method as unknown as PrefillMethod & Technique;
}
