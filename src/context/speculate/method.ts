/** The speculate axis: several tokens are guessed and checked at once; what is written stays the model's own. */
import type { z } from "zod";
import type { Technique } from "../technique.ts";

/** A step has 32 rows at most: one is of the token that is known. */
export const MOST_DRAFTED = 31;

/** Guesses how one text goes on. */
export interface Drafter {
  /** Most tokens that are guessed at once. */
  readonly most: number;
  /** Tokens that may follow the text, in order, at most `most` of them. From call to call the text only grows. */
  draft(text: readonly number[], most: number): readonly number[];
}

export interface Speculation<Options = never> {
  readonly id: string;
  readonly summary: string;
  readonly source: string;
  readonly options: z.ZodObject;
  /** For a text of its own; none where nothing is guessed from the text. */
  drafter?(options: Options): Drafter;
  /** How many tokens the model drafts, seeing what the plan's `decode` lets it see; all else that is written then sees all. */
  draftsItself?(options: Options): number;
}

/** Checks a technique's types, and forgets its options' for the registry. */
export function defineSpeculation<Schema extends z.ZodObject>(
  speculation: Omit<Speculation<z.infer<Schema>>, "options"> & { readonly options: Schema },
): Speculation & Technique {
  return speculation as unknown as Speculation & Technique;
}
