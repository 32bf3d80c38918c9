/**
 * Self-Route (Li et al. 2024, arXiv:2407.16833): ask with the retrieved chunks first; only where the model answers
 * "unanswerable", ask again with the whole text. Needs no run of its own: the rows of both arms say what would happen.
 */
import type { Row } from "../../types.ts";
import { isRefusal } from "./score.ts";

/** Self-Route at one length and prompt mode, next to always reading everything. */
export interface SelfRoute {
  readonly length: number;
  readonly mode: Row["mode"];
  /** Questions that both arms have answered. */
  readonly samples: number;
  /** Mean score, 0 to 1: of the route, of the chunks alone, of the whole text alone. */
  readonly accuracy: number;
  readonly ragAccuracy: number;
  readonly longAccuracy: number;
  /** Part of the questions that the chunks were enough for, 0 to 1. */
  readonly answeredByRag: number;
  /** Mean prompt tokens a question: both prompts where both were needed. */
  readonly promptTokens: number;
  readonly longPromptTokens: number;
}

/** Combines the rows of rag_bm25_5 and rag_long; other rows are passed over. One entry for every length and mode. */
export function selfRoute(rows: readonly Row[]): SelfRoute[] {
  const longRows = new Map(rows.filter(({ task }) => task === "rag_long").map((row) => [pairKey(row), row]));
  const groups = new Map<string, { rag: Row; long: Row }[]>();
  for (const rag of rows) {
    const long = longRows.get(pairKey(rag));
    if (rag.task !== "rag_bm25_5" || long === undefined) continue;
    const group = `${rag.mode}/${rag.length}`;
    groups.set(group, [...(groups.get(group) ?? []), { rag, long }]);
  }
  return [...groups.values()].map(combine);
}

function combine(pairs: readonly { rag: Row; long: Row }[]): SelfRoute {
  const mean = (value: (pair: { rag: Row; long: Row }) => number) =>
    pairs.reduce((sum, pair) => sum + value(pair), 0) / pairs.length;
  const isEnough = ({ rag }: { rag: Row }) => !isRefusal(rag.output);
  const { length, mode } = pairs[0].rag;
  return {
    length,
    mode,
    samples: pairs.length,
    accuracy: mean((pair) => (isEnough(pair) ? pair.rag.score : pair.long.score)),
    ragAccuracy: mean(({ rag }) => rag.score),
    longAccuracy: mean(({ long }) => long.score),
    answeredByRag: mean((pair) => Number(isEnough(pair))),
    promptTokens: mean((pair) => pair.rag.promptTokens + (isEnough(pair) ? 0 : pair.long.promptTokens)),
    longPromptTokens: mean(({ long }) => long.promptTokens),
  };
}

function pairKey({ mode, length, index }: Row): string {
  return `${mode}/${length}/${index}`;
}
