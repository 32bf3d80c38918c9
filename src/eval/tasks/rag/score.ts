/** An answer counts when it has the reference as whole words, articles aside; where there is no answer, when it says so. */
import type { Draft, Score } from "../../types.ts";
import { ragData } from "./bank.ts";

export const unanswerable = "unanswerable";

export function scoreAnswer(output: string, { references }: Draft): Score {
  const refusal = Number(isRefusal(output));
  const [reference] = references;
  const score = reference === unanswerable ? refusal : Number(hasWords(output, reference));
  return { score, refusal };
}

/** Does an answer say that there is none? */
export function isRefusal(output: string): boolean {
  const text = output.toLowerCase().replaceAll("’", "'");
  return ragData().refusals.some((phrase) => text.includes(phrase));
}

function hasWords(output: string, reference: string): boolean {
  return ` ${wordsOf(output)} `.includes(` ${wordsOf(reference)} `);
}

function wordsOf(text: string): string {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.filter((word) => !["a", "an", "the"].includes(word)).join(" ");
}
