/** The prefill axis: which of the past the tokens of a prompt attend to, in layers that see all of it. */
import type { z } from "zod";
import type { Technique } from "../technique.ts";

/** From sums along antidiagonals of a stride, 8 or 16, or, without one, from four of a block's tokens. */
export interface MassEstimate {
  readonly stride?: number;
}

/** What the engine has to find out for a method, besides where a block stands. */
export interface PrefillNeeds {
  /** Blocks before this token see everything, and nothing is found out for them. */
  readonly denseBelow?: number;
  /** Shares of the attention as each of these ways tells, and the larger of them where there are two: QueryBlock.masses. */
  readonly masses?: readonly MassEstimate[];
  /** Attention of the 64 tokens before each span of so many, a multiple of 64: what the method makes of it holds for the span. */
  readonly pattern?: { readonly span: number };
  /** Last tokens of a prompt that may see more than those before them: what was read of them is of no use to a longer prompt. */
  readonly lastTokens?: number;
}

/** 64 tokens of a prompt, as one query head sees them. Pages hold 64 slots each, in the order of the text. */
export interface QueryBlock {
  readonly layer: number;
  readonly numLayers: number;
  /** Their own page, the last that they see: pages 0 to `page` are there. */
  readonly page: number;
  /** Tokens of the prompt that come after them. */
  readonly tokensAfter: number;
  /** By page, [page + 1]: its estimated part of the attention. Empty if not asked for. */
  readonly masses: Float32Array;
  /** What the method has made of the attention of the 64 tokens before the span that the block is in. */
  readonly pattern?: BlockPattern;
}

/** Attention of one query head, summed over 64 tokens. */
export interface AttentionPattern {
  /** Of the tokens: pages 0 to `page` are there. */
  readonly page: number;
  /** By position of the key, [64 · (page + 1)]. */
  readonly vertical: Float32Array;
  /** By distance of key and query, [64 · (page + 1)]. */
  readonly slash: Float32Array;
  /** As QueryBlock.masses, for these tokens. */
  readonly masses: Float32Array;
}

/** What blocks see: pages, and pages that lie so many pages before their own. */
export interface BlockPattern {
  readonly vertical: readonly number[];
  readonly slash: readonly number[];
  /** Whether the masses of a block tell better than the pattern. */
  readonly byMasses?: boolean;
}

export interface PrefillMethod<Options = never> {
  readonly id: string;
  readonly summary: string;
  readonly source: string;
  readonly options: z.ZodObject;
  needs?(options: Options): PrefillNeeds;
  /** For methods that need a pattern. */
  pattern?(options: Options, attention: AttentionPattern): BlockPattern;
  /** Pages that the block sees besides its own, ascending; none where it sees all. */
  pages(options: Options, block: QueryBlock): readonly number[] | undefined;
}

/** Checks a method's types, and forgets its options' for the registry. */
export function definePrefill<Schema extends z.ZodObject>(
  method: Omit<PrefillMethod<z.infer<Schema>>, "options"> & { readonly options: Schema },
): PrefillMethod & Technique {
  return method as unknown as PrefillMethod & Technique;
}
