/** Long texts made of pieces, with the places of those that must be found. */
import type { Cell, Draft, Span } from "../../types.ts";
import { fillIn, type Profile, type Template } from "./profiles.ts";

/** A long text and where its needles stand in it. */
export interface Passage {
  readonly text: string;
  readonly spans: readonly Span[];
}

/** Pieces joined; spans of the marked ones, in order, without white space at their ends. */
export function joinPieces(pieces: readonly string[], separator: string, marked: readonly number[]): Passage {
  const isMarked = new Set(marked);
  const spans: Span[] = [];
  let at = 0;
  for (const [index, piece] of pieces.entries()) {
    if (isMarked.has(index)) spans.push({ start: at, end: at + piece.trimEnd().length });
    at += piece.length + separator.length;
  }
  return { text: pieces.join(separator), spans };
}

/** Puts `inserted[j]` before line `places[j]`; places ascend. It becomes line `places[j] + j`. */
export function interleave(lines: readonly string[], places: readonly number[], inserted: readonly string[]): string[] {
  const all: string[] = [];
  let from = 0;
  for (const [j, place] of places.entries()) {
    for (; from < place; from++) all.push(lines[from]);
    all.push(inserted[j]);
  }
  for (; from < lines.length; from++) all.push(lines[from]);
  return all;
}

/** A passage in its prompt, before tokens are counted. */
export type Unbudgeted = Omit<Draft, "maxTokens">;

/** A template around a passage. `before` stands above it: solved examples. */
export function ask(
  template: Template,
  passage: Passage,
  values: Readonly<Record<string, string | number>>,
  { before = "", ...rest }: { before?: string; references: readonly string[]; facts?: Draft["facts"] },
): Unbudgeted {
  const head = before + fillIn(template.context.slice(0, template.context.indexOf("{context}")), values);
  const context = before + fillIn(template.context, { ...values, context: passage.text });
  const needles = passage.spans.map(({ start, end }) => ({ start: start + head.length, end: end + head.length }));
  return {
    parts: {
      context,
      question: fillIn(template.question, values),
      answerPrefix: fillIn(template.answerPrefix, values),
    },
    ...(needles.length > 0 && { needles, depth: needles[0].start / context.length }),
    ...rest,
  };
}

/**
 * Gives the answer its tokens: as published, or more where this tokenizer would cut a right answer short: one and a
 * half times its tokens and 8 more, for an answer in other words around the same strings.
 */
export function budget(
  cell: Cell,
  profile: Profile,
  template: Template,
  draft: Unbudgeted,
  answer = draft.references.join(", "),
): Draft {
  const needed = Math.ceil(1.5 * cell.countTokens(answer) + 8);
  if (!profile.raisesMaxTokens || needed <= template.maxTokens) return { ...draft, maxTokens: template.maxTokens };
  return { ...draft, maxTokens: needed, facts: { ...draft.facts, maxNewRaised: true } };
}
