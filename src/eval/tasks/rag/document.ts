/**
 * The text of one question: sentences of the haystack with the facts between them, cut into chunks of at most 300 words
 * that end with a sentence. The chunks are the document's paragraphs, so that all of them together are the whole text.
 */
import type { Haystack, Random } from "../../types.ts";
import type { Item } from "./bank.ts";

export interface RagDocument {
  readonly chunks: readonly string[];
  /** The chunk with the fact, or the one that it was left out of. */
  readonly goldChunk: number;
}

const wordsPerChunk = 300;

/** `units` words of haystack; the fact stands at the part `depth` of them, the others wherever chance puts them. */
export function makeDocument(
  haystack: Haystack,
  item: Item,
  { units, depth, random }: { units: number; depth: number; random: Random },
): RagDocument {
  const sentences = takeSentences(haystack, random.int(haystack.sentences.length), units);
  const numWords = sentences.map(countWords);
  const insertions = new Map<number, string[]>();
  const insert = (part: number, text: string) => {
    const at = boundaryAt(numWords, part * units);
    insertions.set(at, [...(insertions.get(at) ?? []), text]);
    return at;
  };
  for (const other of item.others) insert(random.next(), other);
  const factAt = insert(depth, item.kind === "unanswerable" ? "" : item.fact);

  const chunks: string[][] = [];
  let room = 0;
  let goldChunk = 0;
  const push = (sentence: string) => {
    const words = countWords(sentence);
    if (words > room) {
      chunks.push([]);
      room = wordsPerChunk;
    }
    chunks.at(-1)!.push(sentence);
    room -= words;
  };
  for (let i = 0; i <= sentences.length; i++) {
    for (const text of insertions.get(i) ?? []) if (text !== "") push(text);
    // The fact is the last of its place.
    if (i === factAt) goldChunk = Math.max(0, chunks.length - 1);
    if (i < sentences.length) push(sentences[i]);
  }
  return { chunks: chunks.map((chunk) => chunk.join(" ")), goldChunk };
}

/** Sentences from `from` on with `count` words in all; the last one is cut. */
function takeSentences({ sentences }: Haystack, from: number, count: number): string[] {
  const taken: string[] = [];
  for (let left = count, i = from; left > 0; i = (i + 1) % sentences.length) {
    const words = sentences[i].split(" ");
    taken.push(words.slice(0, left).join(" "));
    left -= words.length;
  }
  return taken;
}

/** The end of a sentence (0: before the first) that is nearest to `position` in words. */
function boundaryAt(numWords: readonly number[], position: number): number {
  let end = 0;
  for (const [i, words] of numWords.entries()) {
    if (end + words / 2 > position) return i;
    end += words;
  }
  return numWords.length;
}

function countWords(text: string): number {
  return text.split(" ").length;
}
