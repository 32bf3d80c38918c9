/**
 * Hides needles in a text, as Kamradt does: at a share of its length, walked back to the beginning of a sentence;
 * depth 1 is the very end (github.com/gkamradt/LLMTest_NeedleInAHaystack).
 */
import { splitSentences } from "../../sentences.ts";
import type { Span } from "../../types.ts";

export interface Needle {
  readonly text: string;
  /** 0 to 1; rising within a list of needles. */
  readonly depth: number;
}

/** Characters in which the beginning of a sentence is looked for. */
const REACH = 3000;

/** The text with the needles in it, and where they stand. `glue` stands between a needle and what is around it. */
export function hide(text: string, needles: readonly Needle[], glue: string): { text: string; spans: Span[] } {
  const spans: Span[] = [];
  let hidden = "";
  let from = 0;
  const append = (piece: string) => {
    if (piece !== "") hidden += hidden === "" ? piece : glue + piece;
  };
  for (const needle of needles) {
    const at = needle.depth >= 1 ? text.length : sentenceStart(text, Math.floor(text.length * needle.depth));
    append(text.slice(from, at).trim());
    append(needle.text);
    spans.push({ start: hidden.length - needle.text.length, end: hidden.length });
    from = at;
  }
  append(text.slice(from).trim());
  return { text: hidden, spans };
}

/** The last beginning of a sentence at or before a place; of a word, where no sentence begins within reach. */
export function sentenceStart(text: string, place: number): number {
  const from = Math.max(0, place - REACH);
  let best = from === 0 ? 0 : text.lastIndexOf(" ", place) + 1;
  let start = from;
  // A little of what follows, because it decides whether a full stop ends a sentence.
  for (const [i, sentence] of splitSentences(text.slice(from, place + 200)).entries()) {
    start = text.indexOf(sentence, start);
    if (start > place) break;
    // The first one is cut off, if the window does not begin with the text.
    if (i > 0) best = start;
    start += sentence.length;
  }
  return best;
}
