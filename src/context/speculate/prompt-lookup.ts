/**
 * Prompt lookup: answers about a text repeat parts of it. Where the last tokens stood before, what followed there may follow here.
 *
 *   draft = text[e .. e + k)     e: the place before the end whose last tokens agree longest with the text's last, the latest of equals
 *
 * The text is the prompt and all that was written. Where the draft runs into the end of the text, it goes on from e again.
 * Source: Saxena, prompt-lookup-decoding (2023); LLMA, arXiv 2304.04487.
 */
import { z } from "zod";
import { techniqueOptions } from "../technique.ts";
import { type Drafter, defineSpeculation, MOST_DRAFTED } from "./method.ts";
import { SuffixIndex } from "./suffix-index.ts";

const agreeing = z.number().int().min(1).max(64);

export const promptLookup = defineSpeculation({
  id: "prompt-lookup",
  summary: "what followed the last tokens where they stood before",
  source: "Saxena, prompt-lookup-decoding (2023); LLMA, arXiv 2304.04487",
  options: techniqueOptions("prompt-lookup", {
    longest: agreeing.default(16),
    shortest: agreeing.default(4),
    draft: z.number().int().min(2).max(MOST_DRAFTED).default(MOST_DRAFTED),
  }).refine(({ longest, shortest }) => shortest <= longest, {
    path: ["shortest"],
    error: ({ input }) => {
      const { longest, shortest } = input as { longest: number; shortest: number };
      return `expected at most "longest", which is ${longest}, got ${shortest}`;
    },
  }),
  drafter({ longest, shortest, draft }): Drafter {
    const index = new SuffixIndex(shortest, longest);
    return {
      most: draft,
      draft(text, most) {
        const match = index.find(text);
        return match ? followers(text, match.end, most) : [];
      },
    };
  },
});

/** Tokens from `start` on; behind the last one those from `start` again. */
function followers(text: readonly number[], start: number, most: number): number[] {
  const length = text.length - start;
  return Array.from({ length: most }, (_, i) => text[start + (i % length)]);
}
