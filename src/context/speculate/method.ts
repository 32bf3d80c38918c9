/** The speculate axis: several tokens are guessed and checked at once; what is written stays the model's own. */
import type { z } from "zod";
import type { Technique } from "../technique.ts";

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
  /** For a text of its own; none where nothing is guessed. */
  drafter?(options: Options): Drafter;
}

/** Checks a technique's types, and forgets its options' for the registry. */
export function defineSpeculation<Schema extends z.ZodObject>(
  speculation: Omit<Speculation<z.infer<Schema>>, "options"> & { readonly options: Schema },
): Speculation & Technique {
  return speculation as unknown as Speculation & Technique;
}
