/** Token selection: after some layer, or before the real reading, only the tokens that matter go on. */
import type { z } from "zod";
import type { Technique } from "../technique.ts";

/** What is done with the first prompt of a session. */
export interface SelectionSteps {
  /** The layer whose attention is what tokens are scored by, counted from 1: all tokens go through those below it. Default: half of the model's. */
  readonly layer?: number;
  /** Tokens that go on: up to 1 a share of the prompt, above it their number. */
  readonly keep: number;
  /** Last tokens of the prompt, which ask: their attention counts. */
  readonly window: number;
  /** Last tokens that go on in any case. */
  readonly last: number;
  /** Shorter prompts go through all layers as a whole. */
  readonly least: number;
  /** Where tokens go on: from the layer that scores, or from the first layer again, as if there were no others. */
  readonly from: "layer" | "beginning";
  /** Where they then stand: where they stood in the prompt, or one behind the other. */
  readonly positions: "own" | "closed-up";
}

export interface TokenSelection<Options = never> {
  readonly id: string;
  readonly summary: string;
  readonly source: string;
  readonly options: z.ZodObject;
  /** None where all tokens go on. */
  steps?(options: Options): SelectionSteps;
  /**
   * How much every token matters. `weights`: for each query head f32 [tokens], the softmax weights that the asking tokens give to
   * every token, averaged over them.
   */
  score?(weights: readonly Float32Array[], options: Options): Float32Array;
}

/** Checks a selection's types, and forgets its options' for the registry. */
export function defineSelection<Schema extends z.ZodObject>(
  selection: Omit<TokenSelection<z.infer<Schema>>, "options"> & { readonly options: Schema },
): TokenSelection & Technique {
  return selection as unknown as TokenSelection & Technique;
}
