/**
 * Ten questions about one text, which is read once: ten cities, one asked for by each sample, and the facts of the nine
 * others, told in the same words, are what it can be confused with. Ten further samples have another text.
 *
 * City i of C has V codes. The first stands at depth (i + 1/2) / C: 5, 15, … 95 %. Of all C·V places, j / (C·V), its codes
 * have every (C+1)-th, from the end of the text on at its beginning: 11/40 apart for four, and no place has two.
 */
import { costOf, filled } from "../../fill.ts";
import type { Cell, Draft, Score, Task } from "../../types.ts";
import { offsetOf } from "./grid.ts";
import { about, draftOf, type Fact, fact, factsOf, scoreAll, scoreFirst, type Telling, values } from "./passcodes.ts";
import { hide, type Needle } from "./place.ts";
import { fillIn } from "./template.ts";

/** Cities in a text. */
const CITIES = 10;
/** Codes of a city of needle_values; has no factor in common with CITIES + 1, else places would be taken twice. */
const VALUES = 4;

export const needleKeys = task(
  "needle_keys",
  `the passcode of one of ${CITIES} cities at ${CITIES} depths of a text that ${CITIES} samples share; exact match`,
  { telling: fact, codes: 1, score: scoreFirst },
);

export const needleValues = task(
  "needle_values",
  `the ${VALUES} passcodes of one of ${CITIES} cities, all over a text that ${CITIES} samples share; recall`,
  { telling: values, codes: VALUES, score: scoreAll },
);

interface Kind {
  readonly telling: Telling;
  /** Of each city. */
  readonly codes: number;
  readonly score: (output: string, draft: Draft) => Score;
}

function task(id: string, summary: string, kind: Kind): Task {
  return { ...about, id, summary, sweepsDepth: true, cell: (cell) => samplesOf(cell, kind), score: kind.score };
}

/** A fact, where it stands, and the number of its city. */
interface Placed extends Fact, Needle {
  readonly owner: number;
}

function samplesOf(cell: Cell, { telling, codes }: Kind): (index: number) => Draft {
  const factsAt = (repetition: number) =>
    place(factsOf(cell.random(`facts/${repetition}`), CITIES, codes), codes, telling);
  const ask = (placed: readonly Placed[], owner: number, context: string) => {
    const asked = placed.filter((one) => one.owner === owner);
    return draftOf(telling, context, { city: asked[0].city, count: codes }, asked);
  };

  // The text has room for each of its questions: it is filled with the longest.
  const longest = filled(cell, (words, _, repetition) => {
    const placed = factsAt(repetition);
    const { text, spans } = hide(cell.haystack.words(words, offsetOf(cell, repetition)), placed, "\n");
    return {
      ...ask(
        placed,
        longestQuestion(cell, (owner) => ask(placed, owner, "")),
        text,
      ),
      needles: spans,
    };
  });
  const texts = new Map<number, Draft>();
  const textOf = (repetition: number) => {
    const text = texts.get(repetition) ?? longest(repetition);
    texts.set(repetition, text);
    return text;
  };

  return (index) => {
    const [owner, repetition] = [index % CITIES, Math.floor(index / CITIES)];
    const placed = factsAt(repetition);
    const { parts, needles = [] } = textOf(repetition);
    return {
      ...ask(placed, owner, parts.context),
      group: `${repetition}`,
      depth: (owner + 0.5) / CITIES,
      needles: needles.filter((_, i) => placed[i].owner === owner),
      facts: { keys: CITIES, valuesPerKey: codes },
    };
  };
}

/** Facts by depth. */
function place(facts: readonly Fact[], codes: number, { needle }: Telling): Placed[] {
  const places = facts.length;
  return facts
    .map((one, i) => {
      const [owner, k] = [Math.floor(i / codes), i % codes];
      const depth = ((codes * (owner + 0.5) + (CITIES + 1) * k) % places) / places;
      return { ...one, owner, depth, text: fillIn(needle, { ...one }) };
    })
    .sort((a, b) => a.depth - b.depth);
}

/** The city whose question and answer take most; where tokens are estimated and come out equal, the longer one. */
function longestQuestion(cell: Cell, ask: (owner: number) => Draft): number {
  const sizes = Array.from({ length: CITIES }, (_, owner) => {
    const draft = ask(owner);
    const { question, answerPrefix = "" } = draft.parts;
    return { owner, tokens: costOf(cell, draft), characters: question.length + answerPrefix.length };
  });
  sizes.sort((a, b) => b.tokens - a.tokens || b.characters - a.characters);
  return sizes[0].owner;
}
