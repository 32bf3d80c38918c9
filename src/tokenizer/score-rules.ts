/**
 * Merge rules of a vocabulary without a merge list: two ids merge if their texts together are a token, and the token
 * of the highest score merges first. A rule's number is the token's id. Rules are found by concatenating the texts,
 * once per pair, and kept in a table: all pairs in advance would be a million for Gemma, and a second at each load.
 */
import type { MergeRules } from "./merge.ts";
import { PairTable } from "./pair-table.ts";
import type { Vocabulary } from "./vocabulary.ts";

const MAX_KNOWN_PAIRS = 1 << 20;

/** Ids from `texts.length` on stand for the code point that is left when it is taken off. */
export function createScoreRules(vocabulary: Vocabulary, idOfText: ReadonlyMap<string, number>): MergeRules {
  const { texts } = vocabulary;
  const textOf = (id: number) => (id < texts.length ? texts[id] : String.fromCodePoint(id - texts.length));
  let known = new PairTable(1 << 16); // the merged id + 1, 0 where there is no rule
  return {
    find(left, right) {
      const stored = known.get(left, right);
      if (stored >= 0) return stored - 1;
      if (known.size === MAX_KNOWN_PAIRS) known = new PairTable(1 << 16);
      const merged = idOfText.get(textOf(left) + textOf(right)) ?? -1;
      known.add(left, right, merged + 1);
      return merged;
    },
    priority: ranksOf(vocabulary),
    result: Int32Array.from(texts.keys()),
  };
}

/** By id, how many distinct scores are higher. */
function ranksOf({ texts, scores }: Vocabulary): Int32Array {
  if (scores === undefined) return new Int32Array(texts.length);
  const rankOfScore = new Map<number, number>();
  for (const score of Float64Array.from(scores).sort().reverse())
    if (!rankOfScore.has(score)) rankOfScore.set(score, rankOfScore.size);
  return Int32Array.from(texts, (_, id) => rankOfScore.get(scores[id])!);
}
