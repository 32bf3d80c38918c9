/**
 * RepoQA's score of a repeated function: take it out of the answer, compare it by BLEU-4 with every function of the
 * context, pass when the described one is the most similar and at least 0.8 so.
 * RepoQA compares with its ten needles only; here with all functions that can be asked for.
 */
import { bleu4 } from "../../score/bleu.ts";
import type { Score } from "../../types.ts";
import { pathLine } from "./repository.ts";
import { firstFunction, parseFile } from "./typescript.ts";

const threshold = 0.8;

export function scoreFunction(output: string, target: string, context: string): Score {
  const answer = functionIn(output);
  const similarity = bleu4(answer, target);
  const others = functionsIn(context).filter((text) => text !== target);
  const isBest = similarity > 0 && others.every((other) => bleu4(answer, other) < similarity);
  return { score: Number(isBest && similarity >= threshold), similarity, best: Number(isBest) };
}

/** The first function of the first code block that has one, else the first block, else the whole answer. */
export function functionIn(output: string): string {
  const blocks = [...output.trim().matchAll(/^```(?:\w+)?\s*\n(.*?)(?=^```)```/gms)].map(([, block]) => block);
  for (const block of blocks) {
    const found = firstFunction(block);
    if (found !== undefined) return found;
  }
  return blocks[0] ?? output;
}

/** The compiler recovers from files that begin or end in the middle, as those at the edges of the context do. */
function functionsIn(context: string): string[] {
  const files = context.split(new RegExp(`^(?=${pathLine("")})`, "m"));
  return files.flatMap((file) => parseFile("context.ts", file).functions.map(({ text }) => text));
}
