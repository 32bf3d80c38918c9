/** Facts of different kinds, each said in one sentence that no model can know, asked for in its words, and answered by a word or a number. */
import { readJson } from "../../data.ts";
import type { Draft, Random, Score } from "../../types.ts";
import { askedAs, fact } from "./passcodes.ts";

interface Sentence {
  readonly needle: string;
  readonly question: string;
  readonly answerPrefix: string;
  readonly answer: string;
}

const { facts } = readJson<{ facts: readonly Sentence[] }>("facts.json");

/** So many of them in random order, with the drafts of their questions. */
export function sentencesOf(
  random: Random,
  count: number,
): (Pick<Draft, "parts" | "references" | "maxTokens"> & { readonly needle: string })[] {
  return random.sample(facts, count).map(({ needle, question, answerPrefix, answer }) => ({
    needle,
    parts: { ...askedAs(question), context: "", answerPrefix },
    references: [answer],
    maxTokens: fact.maxTokens,
  }));
}

/** Right if the answer has the word or number, also as part of a longer word; a number as a whole. */
export function scoreWord(output: string, { references }: Draft): Score {
  const [answer] = references;
  const isNumber = /^\d+$/.test(answer);
  const numbers: readonly string[] = output.match(/\d+/g) ?? [];
  const found = isNumber ? numbers.includes(answer) : output.toLowerCase().includes(answer.toLowerCase());
  return { score: found ? 1 : 0 };
}
