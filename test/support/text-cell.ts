/** A cell for tests of tasks: tokens are words and punctuation marks, the haystack is made of nonsense sentences. */
import { createRandom } from "../../src/eval/random.ts";
import type { Cell, Haystack, Parts } from "../../src/eval/types.ts";

const syllables = ["ba", "ke", "lo", "mi", "nu", "ra", "so", "ti", "vu", "ze"];

export interface TextCellOptions {
  readonly seed?: number;
  readonly count?: number;
  readonly files?: ReadonlyMap<string, string>;
  readonly haystack?: Haystack;
}

export function createTextCell(
  length: number,
  { seed = 1, count = 10, files = new Map(), haystack = nonsense }: TextCellOptions = {},
): Cell {
  return {
    seed,
    length,
    count,
    random: (name) => createRandom(seed, length, name),
    promptTokens: ({ system = "", context, question, answerPrefix = "" }: Parts) =>
      countTokens(system + context + question + answerPrefix),
    countTokens,
    haystack,
    files,
  };
}

export function countTokens(text: string): number {
  return text.match(/[\p{L}\p{N}]+|[^\p{L}\p{N}\s]/gu)?.length ?? 0;
}

export function haystackOf(sentences: readonly string[]): Haystack {
  const all = sentences.join(" ").split(" ");
  return {
    name: "test",
    sha256: "",
    license: "none",
    sentences,
    words: (count, offset = 0) => Array.from({ length: count }, (_, i) => all[(offset + i) % all.length]).join(" "),
    wordCount: all.length,
  };
}

/** 400 sentences of 3 to 25 words, none of them English. */
export const nonsense: Haystack = (() => {
  const random = createRandom("nonsense");
  const word = () => Array.from({ length: random.between(2, 4) }, () => random.pick(syllables)).join("");
  return haystackOf(
    Array.from({ length: 400 }, () => `${Array.from({ length: random.between(3, 25) }, word).join(" ")}.`),
  );
})();
