/** Random facts in Kamradt's place: passcodes of cities, which no model can know. One, or several that are all asked for. */
import { readJson } from "../../data.ts";
import { filled } from "../../fill.ts";
import type { Draft, Random, Score, Task } from "../../types.ts";
import { gridPoint, offsetOf } from "./grid.ts";
import { hide } from "./place.ts";
import { fillIn } from "./template.ts";

interface Asking {
  readonly question: string;
  readonly answerPrefix: string;
  readonly maxTokens: number;
}
interface Texts {
  readonly source: string;
  readonly license: string;
  readonly system: string;
  readonly question: string;
  readonly fact: Asking & { readonly needle: string };
  readonly multi: Asking & { readonly needles: number };
  readonly cities: readonly string[];
}
interface Fact {
  readonly city: string;
  readonly code: string;
}

const { source, license, system, question, fact, multi, cities } = readJson<Texts>("needle.json");

export const needleFact: Task = {
  id: "needle_fact",
  family: "needle",
  version: 1,
  summary: "the passcode of one city at 11 depths, another one in each sample; exact match",
  source,
  license,
  sweepsDepth: true,
  cell(cell) {
    return filled(cell, (words, random, index) => {
      const { depth, repetition } = gridPoint(index);
      const [asked] = factsOf(random, 1);
      const haystack = cell.haystack.words(words, offsetOf(cell, repetition));
      const { text, spans } = hide(haystack, [{ text: fillIn(fact.needle, { ...asked }), depth }], "\n");
      return {
        ...draftOf(fact, text, { ...asked }, [asked]),
        depth,
        needles: spans,
      };
    });
  },
  score: (output, { references }) => ({ score: codesOf(output)[0] === references[0] ? 1 : 0 }),
};

export const needleMulti: Task = {
  id: "needle_multi",
  family: "needle",
  version: 1,
  summary: `the passcodes of ${multi.needles} cities, the first at one of 11 depths, the others spread after it; recall`,
  source,
  license,
  sweepsDepth: true,
  cell(cell) {
    return filled(cell, (words, random, index) => {
      const { depth, repetition } = gridPoint(index);
      const asked = factsOf(random, multi.needles);
      const needles = asked.map((one, i) => ({
        text: fillIn(fact.needle, { ...one }),
        depth: depth + (i * (1 - depth)) / asked.length,
      }));
      const { text, spans } = hide(cell.haystack.words(words, offsetOf(cell, repetition)), needles, "\n");
      return {
        // In another order than in the text: a model cannot just copy what it meets.
        ...draftOf(multi, text, { cities: listOf(random.shuffle(asked).map(({ city }) => city)) }, asked),
        depth,
        needles: spans,
        facts: { needles: asked.length },
      };
    });
  },
  score: scoreAll,
};

/** Different cities with different seven-digit codes. */
function factsOf(random: Random, count: number): Fact[] {
  const codes = new Set<string>();
  while (codes.size < count) codes.add(`${random.between(1_000_000, 9_999_999)}`);
  const chosen = random.sample(cities, count);
  return [...codes].map((code, i) => ({ city: chosen[i], code }));
}

function draftOf(
  asking: Asking,
  context: string,
  values: Record<string, string>,
  facts: readonly Fact[],
): Pick<Draft, "parts" | "references" | "maxTokens"> {
  const asked = fillIn(question, { question: fillIn(asking.question, values) });
  return {
    parts: { system, context, question: asked, answerPrefix: fillIn(asking.answerPrefix, values) },
    references: facts.map(({ code }) => code),
    maxTokens: asking.maxTokens,
  };
}

function listOf(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

/** `score` is the share of codes that were given, `all` whether none is missing. */
function scoreAll(output: string, { references }: Draft): Score {
  const codes = new Set(codesOf(output));
  const recall = references.filter((code) => codes.has(code)).length / references.length;
  return { score: recall, all: recall === 1 ? 1 : 0 };
}

/** Runs of digits that somebody could mean as a code: the number of a list entry is none. */
function codesOf(output: string): string[] {
  return output.match(/\d{4,}/g) ?? [];
}
