/**
 * Ten questions about one text, which is read once: each sample asks for something else in it, and what the nine others ask for is
 * what it can be confused with. Ten further samples have another text.
 *
 * What question i of C asks for is said in V needles. The first stands at depth (i + 1/2) / C: 5, 15, … 95 %. Of all C·V places,
 * j / (C·V), its needles have every (C+1)-th, from the end of the text on at its beginning: 11/40 apart for four, and no place has two.
 */
import { costOf, filled } from "../../fill.ts";
import type { Cell, Draft, Task } from "../../types.ts";
import { offsetOf } from "./grid.ts";
import { about, draftOf, fact, factsOf, scoreAll, scoreFirst, type Telling, values } from "./passcodes.ts";
import { hide, type Needle } from "./place.ts";
import { scoreWord, sentencesOf } from "./single.ts";
import { fillIn } from "./template.ts";

/** Questions about a text. */
const QUESTIONS = 10;
/** Codes of a city of needle_values; has no factor in common with QUESTIONS + 1, else places would be taken twice. */
const VALUES = 4;

type Asked = Pick<Draft, "parts" | "references" | "maxTokens">;

/** What one question asks for. */
interface Sought {
  readonly needles: readonly string[];
  ask(context: string): Asked;
}

interface Kind {
  /** Needles of each question. */
  readonly perQuestion: number;
  readonly score: Task["score"];
  /** Of a text, for each question. */
  sought(cell: Cell, repetition: number): readonly Sought[];
}

export const needleSingle = task(
  "needle_single",
  `one of ${QUESTIONS} facts of different kinds at ${QUESTIONS} depths of a text that ${QUESTIONS} samples share; whether the answer has its word`,
  {
    perQuestion: 1,
    score: scoreWord,
    sought: (cell, repetition) =>
      sentencesOf(cell.random(`facts/${repetition}`), QUESTIONS).map(({ needle, ...asked }) => ({
        needles: [needle],
        ask: (context) => ({ ...asked, parts: { ...asked.parts, context } }),
      })),
  },
);

export const needleKeys = task(
  "needle_keys",
  `the passcode of one of ${QUESTIONS} cities at ${QUESTIONS} depths of a text that ${QUESTIONS} samples share; exact match`,
  { perQuestion: 1, score: scoreFirst, sought: passcodes(fact, 1) },
);

export const needleValues = task(
  "needle_values",
  `the ${VALUES} passcodes of one of ${QUESTIONS} cities, all over a text that ${QUESTIONS} samples share; recall`,
  { perQuestion: VALUES, score: scoreAll, sought: passcodes(values, VALUES) },
);

/** Cities with so many codes each. */
function passcodes(telling: Telling, codes: number): Kind["sought"] {
  return (cell, repetition) => {
    const facts = factsOf(cell.random(`facts/${repetition}`), QUESTIONS, codes);
    return Array.from({ length: QUESTIONS }, (_, owner) => {
      const own = facts.slice(owner * codes, (owner + 1) * codes);
      return {
        needles: own.map((one) => fillIn(telling.needle, { ...one })),
        ask: (context) => draftOf(telling, context, { city: own[0].city, count: codes }, own),
      };
    });
  };
}

function task(id: string, summary: string, kind: Kind): Task {
  return { ...about, id, summary, sweepsDepth: true, cell: (cell) => samplesOf(cell, kind), score: kind.score };
}

/** A needle where it stands, and the number of the question that asks for it. */
interface Placed extends Needle {
  readonly owner: number;
}

function samplesOf(cell: Cell, { perQuestion, sought }: Kind): (index: number) => Draft {
  // The text has room for each of its questions: it is filled with the longest.
  const longest = filled(cell, (words, _, repetition) => {
    const all = sought(cell, repetition);
    const { text, spans } = hide(cell.haystack.words(words, offsetOf(cell, repetition)), place(all), "\n");
    return { ...longestQuestion(cell, all).ask(text), needles: spans };
  });
  const texts = new Map<number, Draft>();
  const textOf = (repetition: number) => {
    const text = texts.get(repetition) ?? longest(repetition);
    texts.set(repetition, text);
    return text;
  };

  return (index) => {
    const [owner, repetition] = [index % QUESTIONS, Math.floor(index / QUESTIONS)];
    const all = sought(cell, repetition);
    const placed = place(all);
    const { parts, needles = [] } = textOf(repetition);
    return {
      ...all[owner].ask(parts.context),
      group: `${repetition}`,
      depth: (owner + 0.5) / QUESTIONS,
      needles: needles.filter((_, i) => placed[i].owner === owner),
      facts: { keys: QUESTIONS, valuesPerKey: perQuestion },
    };
  };
}

/** Needles by depth. */
function place(all: readonly Sought[]): Placed[] {
  return all
    .flatMap(({ needles }, owner) => {
      const [each, places] = [needles.length, QUESTIONS * needles.length];
      return needles.map((text, k) => {
        const depth = ((each * (owner + 0.5) + (QUESTIONS + 1) * k) % places) / places;
        return { owner, depth, text };
      });
    })
    .sort((a, b) => a.depth - b.depth);
}

/** That whose question and answer take most; where tokens are estimated and come out equal, the longer one. */
function longestQuestion(cell: Cell, all: readonly Sought[]): Sought {
  const sizes = all.map((one) => {
    const draft = { ...one.ask(""), needles: [] };
    const { question, answerPrefix = "" } = draft.parts;
    return { one, tokens: costOf(cell, draft), characters: question.length + answerPrefix.length };
  });
  sizes.sort((a, b) => b.tokens - a.tokens || b.characters - a.characters);
  return sizes[0].one;
}
