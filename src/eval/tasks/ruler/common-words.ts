/**
 * RULER's common words: in a numbered list ten words stand 30 times each, all others 3 times; which are the ten?
 *
 * Source: NVIDIA/RULER, scripts/data/synthetic/common_words_extraction.py (facts; arXiv 2404.06654, section 3).
 */
import { filled } from "../../fill.ts";
import { stringMatchAll, wordMatchAll } from "../../score/string-match.ts";
import type { Random, Task } from "../../types.ts";
import { ask, budget, type Unbudgeted } from "./passage.ts";
import { type CommonWordsTemplate, describeTask, fillIn, type Profile } from "./profiles.ts";
import { readVocabulary } from "./words.ts";

const COMMON = 10;
/** Shorter lengths than this have lists of their own. */
const LONG = 4096;

/** How many different words, and how often each stands in the list. */
interface Repeats {
  readonly common: number;
  readonly uncommon: number;
}

interface Scale {
  readonly list: Repeats;
  readonly example: Repeats & { readonly words: number };
}

const scales: Record<"short" | "long", Scale> = {
  short: { list: { common: 6, uncommon: 1 }, example: { words: 20, common: 3, uncommon: 1 } },
  long: { list: { common: 30, uncommon: 3 }, example: { words: 40, common: 10, uncommon: 3 } },
};

export function commonWordsTask(id: string, summary: string, profile: Profile): Task {
  const template = profile.templates.common_words_extraction;
  return {
    ...describeTask(id, summary, profile),
    cell(cell) {
      const vocabulary = readVocabulary();
      const { length } = cell;
      const shots = profile.commonWordsShots;
      const build = (units: number, random: Random) =>
        budget(cell, profile, template, commonWords(template, { units, random, vocabulary, length, shots }));
      // Beyond its vocabulary the official generator takes words from another list, which is not shipped here.
      return filled(cell, build, { least: COMMON, most: vocabulary.length });
    },
    score: (output, { references }) => ({
      score: stringMatchAll(output, references),
      word_boundary: wordMatchAll(output, references),
    }),
  };
}

export interface CommonWordsSources {
  /** Different words. */
  readonly units: number;
  readonly random: Random;
  readonly vocabulary: readonly string[];
  /** Target in tokens: short lists repeat their words less. */
  readonly length: number;
  /** Solved examples before the list. */
  readonly shots: 0 | 1;
}

/** One sample. Draws in the official order: the example's words, then the list's. */
export function commonWords(template: CommonWordsTemplate, sources: CommonWordsSources): Unbudgeted {
  const { units, random, vocabulary, length, shots } = sources;
  const { list, example } = scales[length < LONG ? "short" : "long"];
  const draw = (words: number, repeats: Repeats) =>
    drawList(template, random.sample(vocabulary, words), repeats, random);
  const solvedExample = shots === 1 ? solved(template, draw(example.words, example)) : "";
  const { text, common } = draw(units, list);
  return ask(
    template,
    { text, spans: [] },
    {},
    {
      before: solvedExample,
      references: common,
      facts: { units, shots },
    },
  );
}

interface List {
  readonly text: string;
  readonly common: readonly string[];
}

function drawList(template: CommonWordsTemplate, words: readonly string[], repeats: Repeats, random: Random): List {
  const common = words.slice(0, COMMON);
  const repeat = (items: readonly string[], times: number) => Array.from({ length: times }, () => items).flat();
  const items = [...repeat(common, repeats.common), ...repeat(words.slice(COMMON), repeats.uncommon)];
  return { text: numbered(template, random.fork("order").shuffle(items)), common };
}

function solved(template: CommonWordsTemplate, { text, common }: List): string {
  const { parts } = ask(template, { text, spans: [] }, {}, { references: common });
  return `${parts.context}${parts.question}${parts.answerPrefix} ${numbered(template, common)}\n`;
}

function numbered(template: CommonWordsTemplate, words: readonly string[]): string {
  return words.map((word, i) => fillIn(template.item, { index: i + 1, word })).join(" ");
}
