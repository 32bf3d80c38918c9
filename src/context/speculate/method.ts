/** The speculate axis: several tokens are guessed and checked at once; what is written stays the model's own. */
import type { z } from "zod";
import type { Technique } from "../technique.ts";

export interface Speculation {
  readonly id: string;
  readonly summary: string;
  readonly source: string;
  readonly options: z.ZodObject;
}

export function defineSpeculation<Schema extends z.ZodObject>(
  speculation: Speculation & { readonly options: Schema },
): Speculation & Technique {
  return speculation as unknown as Speculation & Technique;
}
