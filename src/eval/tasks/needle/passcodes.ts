/** Passcodes of cities and other numbers, which no model can know: how they are told, asked for and found in an answer. */
import { readJson } from "../../data.ts";
import type { Draft, Random, Score } from "../../types.ts";
import { fillIn } from "./template.ts";

export interface Asking {
  readonly question: string;
  readonly answerPrefix: string;
  readonly maxTokens: number;
}
/** A question about one subject, and the sentence that says one of its codes. */
export interface Telling extends Asking {
  readonly needle: string;
}
interface Texts {
  readonly source: string;
  readonly license: string;
  readonly system: string;
  readonly question: string;
  readonly fact: Telling;
  readonly multi: Asking & { readonly needles: number };
  readonly values: Telling;
  readonly cities: readonly string[];
  readonly things: readonly string[];
}
export interface Fact {
  readonly subject: string;
  readonly code: string;
}

const { source, license, system, question, fact, multi, values, cities, things } = readJson<Texts>("needle.json");

export { fact, multi, things, values };
/** What all tasks of passcodes have in common. */
export const about = { family: "needle", version: 1, source, license };

/** Different subjects, each with `codes` codes one after the other; no code twice. */
export function factsOf(random: Random, count: number, codes = 1, subjects: readonly string[] = cities): Fact[] {
  const drawn = new Set<string>();
  while (drawn.size < count * codes) drawn.add(`${random.between(1_000_000, 9_999_999)}`);
  const chosen = random.sample(subjects, count);
  return [...drawn].map((code, i) => ({ subject: chosen[Math.floor(i / codes)], code }));
}

/** How all tasks of needles put a question. */
export function askedAs(asked: string): Pick<Draft["parts"], "system" | "question"> {
  return { system, question: fillIn(question, { question: asked }) };
}

export function draftOf(
  asking: Asking,
  context: string,
  values: Readonly<Record<string, string | number>>,
  facts: readonly Fact[],
): Pick<Draft, "parts" | "references" | "maxTokens"> {
  const asked = askedAs(fillIn(asking.question, values));
  return {
    parts: { ...asked, context, answerPrefix: fillIn(asking.answerPrefix, values) },
    references: facts.map(({ code }) => code),
    maxTokens: asking.maxTokens,
  };
}

/** Right if the first code of the answer is the one asked for. */
export function scoreFirst(output: string, { references }: Draft): Score {
  return { score: codesOf(output)[0] === references[0] ? 1 : 0 };
}

/** `score` is the share of codes that were given, `all` whether none is missing. */
export function scoreAll(output: string, { references }: Draft): Score {
  const codes = new Set(codesOf(output));
  const recall = references.filter((code) => codes.has(code)).length / references.length;
  return { score: recall, all: recall === 1 ? 1 : 0 };
}

/** Runs of digits that somebody could mean as a code: the number of a list entry is none. */
function codesOf(output: string): string[] {
  return output.match(/\d{4,}/g) ?? [];
}
