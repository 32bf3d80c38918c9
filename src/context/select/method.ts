/** Token selection: after some layer, or before the real reading, only the tokens that matter go on. */
import type { z } from "zod";
import type { Technique } from "../technique.ts";

export interface TokenSelection {
  readonly id: string;
  readonly summary: string;
  readonly source: string;
  readonly options: z.ZodObject;
}

export function defineSelection<Schema extends z.ZodObject>(
  selection: TokenSelection & { readonly options: Schema },
): TokenSelection & Technique {
  return selection as unknown as TokenSelection & Technique;
}
