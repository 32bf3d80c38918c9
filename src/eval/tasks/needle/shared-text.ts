/**
 * Thirty questions about one text, which is read once: of three tasks, ten samples each. What the others ask for is what each can be
 * confused with. Ten further samples of each have another text.
 *
 * What question i of C = 10 asks for is said in V needles. The first stands at depth (i + 1/2) / C, each task's a sixtieth of the text away
 * from the next one's. Of C·V places, j / (C·V), its needles have every (C+1)-th, from the end of the text on at its beginning: 11/20 apart
 * for two, and no place has two.
 */
import { costOf, filled } from "../../fill.ts";
import { createRandom } from "../../random.ts";
import type { Cell, Draft, Random, Task } from "../../types.ts";
import { offsetOf } from "./grid.ts";
import { about, draftOf, fact, factsOf, scoreAll, scoreFirst, type Telling, things, values } from "./passcodes.ts";
import { hide, type Needle } from "./place.ts";
import { scoreWord, sentencesOf } from "./single.ts";
import { fillIn } from "./template.ts";

/** Questions of each task about a text. */
const QUESTIONS = 10;
/** Numbers of a thing; has no factor in common with QUESTIONS + 1, else places would be taken twice. */
const VALUES = 2;
/** Between needles of one task and those of the next, of the text. */
const SHIFT = 1 / 60;

interface Kind {
  readonly id: string;
  readonly summary: string;
  /** Of its needles, from where they would stand by themselves. */
  readonly shift: number;
  readonly score: Task["score"];
  /** What its questions ask for, in a text. */
  asked(random: Random): readonly Asked[];
}

interface Asked {
  readonly needles: readonly string[];
  ask(context: string): Pick<Draft, "parts" | "references" | "maxTokens">;
}

const kinds: readonly Kind[] = [
  {
    id: "needle_single",
    summary: "one of ten facts of different kinds; whether the answer has its word",
    shift: -SHIFT,
    score: scoreWord,
    asked: (random) =>
      sentencesOf(random, QUESTIONS).map(({ needle, ...asked }) => ({
        needles: [needle],
        ask: (context) => ({ ...asked, parts: { ...asked.parts, context } }),
      })),
  },
  {
    id: "needle_keys",
    summary: "the passcode of one of ten cities; exact match",
    shift: 0,
    score: scoreFirst,
    asked: (random) => passcodes(random, fact, 1),
  },
  {
    id: "needle_values",
    summary: "both numbers of one of ten kinds of things, half of the text apart; recall",
    shift: SHIFT,
    score: scoreAll,
    asked: (random) => passcodes(random, values, VALUES, things),
  },
];

/** Subjects with so many codes each. */
function passcodes(random: Random, telling: Telling, codes: number, subjects?: readonly string[]): Asked[] {
  const facts = factsOf(random, QUESTIONS, codes, subjects);
  return Array.from({ length: QUESTIONS }, (_, i) => {
    const own = facts.slice(i * codes, (i + 1) * codes);
    return {
      needles: own.map((one) => fillIn(telling.needle, { ...one })),
      ask: (context) => draftOf(telling, context, { subject: own[0].subject, count: codes }, own),
    };
  });
}

export const [needleSingle, needleKeys, needleValues] = kinds.map(
  ({ id, summary, score }): Task => ({
    ...{ ...about, id, version: 2, sweepsDepth: true, score },
    summary: `${summary}; at ten depths of a text that this and two other tasks share`,
    cell: (cell) => samplesOf(cell, id),
  }),
);

/** A question of a text. */
interface Question extends Omit<Asked, "needles"> {
  readonly task: string;
  /** Among those of its task. */
  readonly number: number;
  readonly needles: readonly Needle[];
}

function samplesOf(taskCell: Cell, task: string): (index: number) => Draft {
  // Of all three tasks: nothing of it depends on which asks.
  const cell: Cell = {
    ...taskCell,
    random: (name) => createRandom(taskCell.seed, "needles", taskCell.length, name),
  };
  // The text has room for each of its questions: it is filled with the longest.
  const longest = filled(cell, (words, _, repetition) => {
    const questions = questionsOf(cell, repetition);
    const haystack = cell.haystack.words(words, offsetOf(cell, repetition));
    const { text, spans } = hide(haystack, byDepth(questions), "\n");
    return { ...longestOf(cell, questions).ask(text), needles: spans };
  });
  const texts = new Map<number, Draft>();
  const textOf = (repetition: number) => {
    const text = texts.get(repetition) ?? longest(repetition);
    texts.set(repetition, text);
    return text;
  };

  return (index) => {
    const [number, repetition] = [index % QUESTIONS, Math.floor(index / QUESTIONS)];
    const questions = questionsOf(cell, repetition);
    const asked = questions.find((question) => question.task === task && question.number === number) as Question;
    const { parts, needles = [] } = textOf(repetition);
    const placed = byDepth(questions);
    return {
      ...asked.ask(parts.context),
      group: `${repetition}`,
      depth: asked.needles[0].depth,
      needles: needles.filter((_, i) => asked.needles.includes(placed[i])),
      facts: { keys: QUESTIONS, valuesPerKey: asked.needles.length },
    };
  };
}

function questionsOf(cell: Cell, repetition: number): Question[] {
  return kinds.flatMap(({ id: task, shift, asked }) =>
    asked(cell.random(`${task}/${repetition}`)).map(({ needles, ask }, number) => {
      const [each, places] = [needles.length, QUESTIONS * needles.length];
      const depthOf = (k: number) => ((each * (number + 0.5) + (QUESTIONS + 1) * k) % places) / places + shift;
      return { task, number, ask, needles: needles.map((text, k) => ({ text, depth: depthOf(k) })) };
    }),
  );
}

function byDepth(questions: readonly Question[]): Needle[] {
  return questions.flatMap(({ needles }) => needles).sort((a, b) => a.depth - b.depth);
}

/** That whose question and answer take most; where tokens are estimated and come out equal, the longer one. */
function longestOf(cell: Cell, questions: readonly Question[]): Question {
  const sizes = questions.map((one) => {
    const draft = { ...one.ask(""), needles: [] };
    const { question, answerPrefix = "" } = draft.parts;
    return { one, tokens: costOf(cell, draft), characters: question.length + answerPrefix.length };
  });
  sizes.sort((a, b) => b.tokens - a.tokens || b.characters - a.characters);
  return sizes[0].one;
}
