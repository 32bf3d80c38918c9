/**
 * KVzip: what is needed to repeat the text. After reading, the model is asked to repeat the text part by part, and given each
 * part as its answer; score_j is the highest weight that any query of the answer, in any head of the group, gave slot j, in a
 * softmax over the first 4 tokens, the part, and the answer so far. It knows no question, so what it keeps serves all.
 *
 * Kim et al. 2025, arXiv 2505.23416; parts and instructions as in snu-mllab/KVzip and kvpress KVzipPress, where the highest is
 * taken over the model; here the sinks get the layer's highest + 1.
 */
import { techniqueOptions } from "../../technique.ts";
import { raiseForced } from "./forced.ts";
import { defineScore, forEachHead } from "./score.ts";

/** First tokens, which the second reading's softmax always has. */
const sinks = 4;

export const kvzip = defineScore({
  id: "kvzip",
  summary: "what is needed to repeat the text, found by a second reading",
  source: "Kim et al. 2025, arXiv 2505.23416; kvpress KVzipPress",
  options: techniqueOptions("kvzip", {}),
  needs: () => ({ secondReading: true }),
  score: (view) =>
    raiseForced(
      forEachHead(view, (kvHead) => Float32Array.from(view.secondReading(kvHead))),
      (kvHead, slot) => view.positions(kvHead)[slot] < sinks,
    ),
});

/** Tokens that are repeated at a time. */
export const REPEAT_TOKENS = 2048;
/** Tokens before a part that tell where it starts. */
const LEAD_TOKENS = 8;

/** One question of the second reading: the instruction, tokens lead … start, the template's turn to the answer, tokens start … end. */
export interface RepeatPart {
  readonly instruction: string;
  readonly lead: number;
  readonly start: number;
  readonly end: number;
}

/** The parts of tokens start … end of a text; `start` is beyond what a chat template puts before it. */
export function repeatParts(start: number, end: number, partTokens = REPEAT_TOKENS): RepeatPart[] {
  const parts: RepeatPart[] = [];
  for (let at = start; at < end; at += partTokens) {
    const isFirst = at === start;
    parts.push({
      instruction: isFirst
        ? "\n\nRepeat the previous context exactly."
        : "\n\nRepeat the part of the previous context exactly, starting with",
      lead: isFirst ? at : Math.max(start, at - LEAD_TOKENS),
      start: at,
      end: Math.min(end, at + partTokens),
    });
  }
  return parts;
}
