/**
 * ROUGE (Lin 2004) in the two forms that benchmarks use; they differ.
 * rouge(): as the Python package `rouge` 1.0 counts, which LongBench and LooGLE call: sentences end at ".", n-grams and
 * words are sets, ROUGE-L is the union of the words of each sentence pair's common subsequence.
 * rougeLsum(): as Google's `rouge-score` counts, which InfiniteBench calls: sentences are lines, words are lower case
 * letters and digits, and repeated words count as often as they occur on both sides.
 */
import { commonSubsequence } from "./common-subsequence.ts";

export interface Overlap {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

export interface Rouge {
  readonly rouge1: Overlap;
  readonly rouge2: Overlap;
  readonly rougeL: Overlap;
}

const none: Overlap = { precision: 0, recall: 0, f1: 0 };

/** All zero if either text is empty. */
export function rouge(output: string, reference: string): Rouge {
  const [produced, expected] = [sentencesOf(output), sentencesOf(reference)];
  if (produced.length === 0 || expected.length === 0) return { rouge1: none, rouge2: none, rougeL: none };
  const [words, expectedWords] = [produced.flat(), expected.flat()];
  const ofOrder = (order: number) => {
    const grams = nGrams(words, order);
    const expectedGrams = nGrams(expectedWords, order);
    return overlap([...grams].filter((gram) => expectedGrams.has(gram)).length, grams.size, expectedGrams.size);
  };
  const union = new Set<string>();
  for (const sentence of expected)
    for (const other of produced)
      for (const place of commonSubsequence(sentence, other, "y")) union.add(sentence[place]);
  return {
    rouge1: ofOrder(1),
    rouge2: ofOrder(2),
    rougeL: overlap(union.size, new Set(words).size, new Set(expectedWords).size),
  };
}

/** ROUGE-Lsum F1, from 0 to 1. */
export function rougeLsum(output: string, reference: string): number {
  const [produced, expected] = [linesOf(output), linesOf(reference)];
  const [left, expectedLeft] = [counts(produced.flat()), counts(expected.flat())];
  let hits = 0;
  for (const sentence of expected) {
    const places = new Set(produced.flatMap((other) => commonSubsequence(sentence, other, "x")));
    for (const place of [...places].sort((a, b) => a - b)) {
      const word = sentence[place];
      if (!left.get(word) || !expectedLeft.get(word)) continue;
      left.set(word, left.get(word)! - 1);
      expectedLeft.set(word, expectedLeft.get(word)! - 1);
      hits++;
    }
  }
  const [precision, recall] = [hits / Math.max(1, produced.flat().length), hits / Math.max(1, expected.flat().length)];
  return hits === 0 ? 0 : (2 * precision * recall) / (precision + recall);
}

/** Words by sentence. A blank stretch between two full stops is one empty word, as the package has it. */
function sentencesOf(text: string): string[][] {
  return text
    .split(".")
    .filter((sentence) => sentence !== "")
    .map((sentence) => sentence.trim().split(/\s+/));
}

function linesOf(text: string): string[][] {
  return text
    .toLowerCase()
    .split("\n")
    .map((line) => line.match(/[a-z0-9]+/g) ?? [])
    .filter((words) => words.length > 0);
}

function nGrams(words: readonly string[], order: number): Set<string> {
  const grams = new Set<string>();
  for (let i = 0; i + order <= words.length; i++) grams.add(words.slice(i, i + order).join("\u0000"));
  return grams;
}

function counts(words: readonly string[]): Map<string, number> {
  const result = new Map<string, number>();
  for (const word of words) result.set(word, (result.get(word) ?? 0) + 1);
  return result;
}

function overlap(shared: number, produced: number, expected: number): Overlap {
  if (shared === 0) return none;
  const [precision, recall] = [shared / produced, shared / expected];
  // The package's guard against 0 / 0 keeps a perfect F1 at 0.999999995; ours is exact, and they agree to 1e-8.
  return { precision, recall, f1: (2 * precision * recall) / (precision + recall) };
}
