/**
 * Lost in the middle (Liu et al. 2023, arXiv 2307.03172): key-value retrieval with a sweep of the place. It is right if
 * the value is in the answer, whatever the case of its letters.
 */
import { readJson } from "../../data.ts";
import type { Draft, Score, Task } from "../../types.ts";
import { type KeyValueOptions, type KeyValueTexts, keyValueCell } from "./key-value.ts";

interface Texts extends KeyValueTexts {
  readonly source: string;
  readonly license: string;
  readonly queryAwareContext: string;
}

const texts = readJson<Texts>("lost-in-the-middle.json");
/** Fewest bins in which a U shape is told from chance. */
const BINS = 7;

export const lostInTheMiddleTasks: Task[] = [
  task("kv_retrieval", "as many UUID pairs as fill the length, one asked for in each of 7 places", texts, {
    bins: BINS,
  }),
  task(
    "kv_retrieval_query_aware",
    "kv_retrieval with the key also before the pairs",
    { ...texts, context: texts.queryAwareContext },
    { bins: BINS },
  ),
  // The sizes of the paper, at the places of its repository.
  task("kv_75", "75 UUID pairs, asked for at 4 places", texts, { bins: 4, pairs: 75 }),
  task("kv_140", "140 UUID pairs, asked for at 5 places", texts, { bins: 5, pairs: 140 }),
  task("kv_300", "300 UUID pairs, asked for at 7 places", texts, { bins: 7, pairs: 300 }),
];

function task(id: string, summary: string, of: KeyValueTexts, options: KeyValueOptions): Task {
  return {
    id,
    family: "lost-in-the-middle",
    version: 1,
    summary,
    source: texts.source,
    license: texts.license,
    sweepsDepth: true,
    cell: (cell) => keyValueCell(cell, of, options),
    score,
  };
}

function score(output: string, { references }: Draft): Score {
  return { score: output.toLowerCase().includes(references[0].toLowerCase()) ? 1 : 0 };
}
