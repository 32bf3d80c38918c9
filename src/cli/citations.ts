/** Passages of a prompt as places in the files that it was made of: file, lines and an excerpt. */
import { isExtracted } from "../documents/extract.ts";
import type { TextPlace } from "../documents/text-place.ts";
import type { AttendedPassage } from "../engine/attended-passages.ts";
import type { Documents } from "./documents.ts";

export interface Citation {
  file: string;
  /** From 1; of PDF, DOCX, EPUB and HTML, in the text that was taken out of the file. */
  firstLine: number;
  lastLine: number;
  /** Of the attention to all documents: 0 to 1. */
  share: number;
  excerpt: string;
}

/** What a passage lacks to the beginning or end of a line is added, if it is no longer than this. */
const WIDEST = 160;
const INDENT = "    ";

/** Passages in the order given; one without any text of a file is left out. */
export function citationsOf(documents: Documents, place: TextPlace, passages: readonly AttendedPassage[]): Citation[] {
  return passages.flatMap(({ begin, end, peak, share }) => {
    const [from, to, most] = [begin, end, peak].map((position) => place.characterAt(position));
    const cited = cite(documents, from, to, most);
    return cited ? [{ ...cited, share: Number(share.toFixed(4)) }] : [];
  });
}

/** The part of characters [from, to) that lies in the file of the one attended to most, or else in the file with most of them. */
function cite(
  { parts, starts }: Documents,
  from: number,
  to: number,
  peak: number,
): Omit<Citation, "share"> | undefined {
  const inParts = parts.map(({ path, text }, i) => {
    const [begin, end] = [from, to].map((character) => Math.min(text.length, Math.max(0, character - starts[i])));
    return { path, text, begin, end, hasPeak: peak >= starts[i] && peak < starts[i] + text.length };
  });
  const longest = inParts.reduce((most, part) => (part.end - part.begin > most.end - most.begin ? part : most));
  const { path, text, begin, end } = inParts.find(({ hasPeak }) => hasPeak) ?? longest;
  const inside = text.slice(begin, end);
  if (inside.trim() === "") return undefined;
  const first = lineBefore(text, begin + inside.length - inside.trimStart().length);
  const last = lineAfter(text, begin + inside.trimEnd().length);
  const excerpt = text.slice(first.at, last.at).replaceAll("\r", "");
  const firstLine = numBreaks(text.slice(0, first.at)) + 1;
  return {
    file: path,
    firstLine,
    lastLine: firstLine + numBreaks(excerpt),
    excerpt: `${first.isCut ? "…" : ""}${excerpt}${last.isCut ? "…" : ""}`,
  };
}

/** Where the line of a character begins or, if that is far, its word. */
function lineBefore(text: string, character: number): { at: number; isCut: boolean } {
  const at = text.lastIndexOf("\n", character - 1) + 1;
  if (character - at <= WIDEST) return { at, isCut: false };
  const [word] = /\S*$/.exec(text.slice(character - WIDEST, character))!;
  return { at: character - word.length, isCut: true };
}

function lineAfter(text: string, character: number): { at: number; isCut: boolean } {
  const at = text.indexOf("\n", character);
  const end = at < 0 ? text.length : at;
  if (end - character <= WIDEST) return { at: end, isCut: false };
  const [word] = /^\S*/.exec(text.slice(character, character + WIDEST))!;
  return { at: character + word.length, isCut: true };
}

function numBreaks(text: string): number {
  return text.split("\n").length - 1;
}

/** For a person: each place with its share, and under it the excerpt in lines of at most `width`. */
export function citationsText(citations: readonly Citation[], width: number): string {
  return citations
    .map(({ file, firstLine, lastLine, share, excerpt }) => {
      const lines = firstLine === lastLine ? `${firstLine}` : `${firstLine}-${lastLine}`;
      const percent = share < 0.01 ? "< 1" : Math.round(share * 100);
      const heading = `${file}:${lines}${isExtracted(file) ? " of its text" : ""}  ${percent} %`;
      return [heading, ...excerpt.split("\n").flatMap((line) => wrap(line, width - INDENT.length))].join("\n");
    })
    .join("\n\n");
}

/** A line as lines of at most `width`, except for words that are longer. Its own indentation stays. */
function wrap(line: string, width: number): string[] {
  const [indent] = /^\s*/.exec(line)!;
  const lines: string[] = [];
  let current = indent;
  for (const word of line.trim().split(/\s+/)) {
    if (current.trim() !== "" && current.length + 1 + word.length > width) {
      lines.push(current);
      current = indent;
    }
    current += current.trim() === "" ? word : ` ${word}`;
  }
  return [...lines, current].map((text) => `${INDENT}${text}`.trimEnd());
}
