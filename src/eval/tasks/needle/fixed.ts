/**
 * Kamradt's needle: one fixed sentence about San Francisco. It stands in every training corpus by now, hence the
 * control that asks without the text: what it scores, the grid does not show.
 */
import { InputError } from "../../../runtime/errors.ts";
import { readJson } from "../../data.ts";
import { costOf, filled } from "../../fill.ts";
import type { Draft, Score, Task } from "../../types.ts";
import { gridPoint, offsetOf } from "./grid.ts";
import { hide } from "./place.ts";
import { fillIn } from "./template.ts";

interface Texts {
  readonly source: string;
  readonly license: string;
  readonly system: string;
  readonly question: string;
  readonly fixed: {
    readonly needle: string;
    readonly question: string;
    readonly answerPrefix: string;
    readonly keywords: readonly string[];
    readonly maxTokens: number;
  };
}

const { source, license, system, question, fixed } = readJson<Texts>("needle.json");
/** Share of the keywords that makes an answer right: `eating` and `sitting` may stand for `eat` and `sit`. */
const PASS = 0.7;

const about = { family: "needle", version: 1, source, license, score };

export const needleFixed: Task = {
  ...about,
  id: "needle_fixed",
  summary: "one well-known sentence (a sandwich in San Francisco) at 11 depths; keyword recall of at least 0.7",
  sweepsDepth: true,
  cell(cell) {
    return filled(cell, (words, _, index) => {
      const { depth, repetition } = gridPoint(index);
      const haystack = cell.haystack.words(words, offsetOf(cell, repetition));
      const { text, spans } = hide(haystack, [{ text: fixed.needle, depth }], "\n");
      return {
        ...draftOf(text, fillIn(question, { question: fixed.question })),
        depth,
        needles: spans,
      };
    });
  },
};

export const needleNoContext: Task = {
  ...about,
  id: "needle_no_context",
  isControl: true,
  summary: "control: the question of needle_fixed without any text, which a model can only answer from memory",
  cell(cell) {
    const draft = { ...draftOf("", fixed.question), group: "control" };
    const needed = costOf(cell, draft);
    if (needed > cell.length)
      throw new InputError(
        `needle_no_context: expected a length of at least ${needed} tokens, got ${cell.length}. Pass longer --lengths.`,
        { expected: needed, got: cell.length },
      );
    return () => draft;
  },
};

function draftOf(context: string, asked: string): Draft {
  return {
    parts: { system, context, question: asked, answerPrefix: fixed.answerPrefix },
    references: fixed.keywords,
    maxTokens: fixed.maxTokens,
  };
}

/** Right if enough of the keywords are among the words of the answer; `recall` is their share. */
function score(output: string, { references }: Draft): Score {
  const words = new Set(output.toLowerCase().match(/\p{L}+/gu));
  const recall = references.filter((keyword) => words.has(keyword.toLowerCase())).length / references.length;
  return { score: recall >= PASS ? 1 : 0, recall };
}
