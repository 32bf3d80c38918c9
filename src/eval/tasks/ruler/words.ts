/**
 * Words of wonderwords 3.0.1 (https://pypi.org/project/wonderwords, MIT), in the orders in which RULER uses them, so
 * that equal draws give equal words.
 */
import { readWords } from "../../data.ts";

/** All "adjective-noun", sorted, without the 6 million of them in memory. */
export interface Compounds {
  readonly length: number;
  at(index: number): string;
}

export function readCompounds(): Compounds {
  const nouns = [...new Set(readWords("words/nouns.txt"))].sort();
  const heads = [...new Set(readWords("words/adjectives.txt"))].map((adjective) => `${adjective}-`).sort();
  // "blue-" and "blue-eyed-" mix their words in sorted order, so they are one block; mostly a block is one adjective.
  const blocks: string[][] = [];
  for (const head of heads) {
    const block = blocks.at(-1);
    if (block && head.startsWith(block[0])) block.push(head);
    else blocks.push([head]);
  }
  const sorted = new Map<number, string[]>();
  const starts: number[] = [];
  let length = 0;
  for (const block of blocks) {
    starts.push(length);
    length += block.length * nouns.length;
  }

  function mixed(block: number): string[] {
    let words = sorted.get(block);
    if (!words) {
      words = blocks[block].flatMap((head) => nouns.map((noun) => head + noun)).sort();
      sorted.set(block, words);
    }
    return words;
  }

  return {
    length,
    at(index) {
      // At most the block of its adjective's number: blocks of two only move words towards the front.
      let block = Math.min(Math.floor(index / nouns.length), blocks.length - 1);
      while (starts[block] > index) block--;
      const within = index - starts[block];
      return blocks[block].length === 1 ? blocks[block][0] + nouns[within] : mixed(block)[within];
    },
  };
}

/** Nouns, adjectives and verbs, each word once, sorted: 8,166. */
export function readVocabulary(): string[] {
  const words = ["nouns", "adjectives", "verbs"].flatMap((name) => readWords(`words/${name}.txt`));
  return [...new Set(words)].sort();
}
