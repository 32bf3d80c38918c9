/**
 * Text into sentences: the rules of Unicode (UAX 29), as Intl.Segmenter applies them, but never after an abbreviation
 * and only where white space is. Joined by single spaces, sentences give back the text with its white space collapsed.
 */

const segmenter = new Intl.Segmenter("en", { granularity: "sentence" });

/** Ends that are no end: titles, abbreviations with a name or figure behind them, initials. */
const unfinished =
  /(?:^|[\s("\u201c\u2018])(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|Gen|Col|Capt|Lt|Sgt|Rev|Hon|Messrs|Fig|No|vs|cf|viz|e\.g|i\.e)\.$/;

export function splitSentences(text: string): string[] {
  const sentences: string[] = [];
  let open = "";
  for (const { segment } of segmenter.segment(collapse(text))) {
    open += segment;
    if (!/\s$/.test(open) || unfinished.test(open.trimEnd())) continue;
    sentences.push(open.trimEnd());
    open = "";
  }
  if (open !== "") sentences.push(open.trimEnd());
  return sentences;
}

function collapse(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
