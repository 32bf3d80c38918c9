/**
 * RULER's frequent words: coded words of six letters, as often as Zipf's law says; which three are the most frequent?
 * Word k of N stands floor(N k^-2 / zeta(2)) times; the first is written as dots and not asked for.
 *
 * Source: NVIDIA/RULER, scripts/data/synthetic/freq_words_extraction.py (facts; arXiv 2404.06654, section 3).
 */
import { filled } from "../../fill.ts";
import { stringMatchAll } from "../../score/string-match.ts";
import type { Random, Task } from "../../types.ts";
import { ask, budget, type Unbudgeted } from "./passage.ts";
import { describeTask, type FrequentWordsTemplate, type Profile } from "./profiles.ts";

const ALPHA = 2;
/** Riemann's zeta at 2. */
const ZETA = Math.PI ** 2 / 6;
const LETTERS = 6;
/** One word of the vocabulary for so many tokens. */
const TOKENS_PER_WORD = 50;
const ASKED = 3;
/** So many units, and the last word that is asked for stands at least once more than the next one. */
const LEAST = Math.ceil(ZETA / ((ASKED + 1) ** -ALPHA - (ASKED + 2) ** -ALPHA));

export function frequentWordsTask(id: string, summary: string, profile: Profile): Task {
  const template = profile.templates.freq_words_extraction;
  return {
    ...describeTask(id, summary, profile),
    cell(cell) {
      const countedAnswer = profile.frequentWordsCountAnswer ? template.maxTokens : 0;
      const words = Math.max(ASKED + 1, Math.floor((cell.length - countedAnswer) / TOKENS_PER_WORD));
      const build = (units: number, random: Random) =>
        budget(cell, profile, template, frequentWords(template, { units, random, words }));
      const room = { ...cell, length: cell.length + template.maxTokens - countedAnswer };
      return filled(room, build, { least: LEAST });
    },
    score: (output, { references }) => ({ score: stringMatchAll(output, references) }),
  };
}

export interface FrequentWordsSources {
  /** N of the formula: a little more than the words of the text. */
  readonly units: number;
  readonly random: Random;
  /** Size of the vocabulary. */
  readonly words: number;
}

export function frequentWords(template: FrequentWordsTemplate, sources: FrequentWordsSources): Unbudgeted {
  const { units, random, words } = sources;
  const vocabulary = new Set<string>();
  while (vocabulary.size < words) vocabulary.add(drawWord(random));
  // Officially both orders come from the same fresh generator.
  const [, ...ranked] = random.fork("ranks").shuffle([...vocabulary].sort());
  const text = [template.noise, ...ranked].flatMap((word, rank) => {
    const times = Math.floor((units * (rank + 1) ** -ALPHA) / ZETA);
    return Array.from({ length: times }, () => word);
  });
  return ask(
    template,
    { text: random.fork("order").shuffle(text).join(" "), spans: [] },
    {},
    { references: ranked.slice(0, ASKED), facts: { units, vocabulary: words } },
  );
}

/** As Python's random.choices() draws: one number a letter. */
function drawWord(random: Random): string {
  let word = "";
  for (let i = 0; i < LETTERS; i++) word += String.fromCharCode(97 + Math.floor(random.next() * 26));
  return word;
}
