/**
 * Sentences of a haystack to hide facts between, as BABILong takes them from books: of at least ten words, in order
 * from a random place on, the last one cut. Sentences that name an actor, place or item of the world are left out, so
 * that no book answers for the story.
 */
import { InputError } from "../../../runtime/errors.ts";
import type { Haystack } from "../../types.ts";
import { words } from "./words.ts";

const FEWEST_WORDS = 10;

const { places, objects, actors, hopActors } = words.world;
const worldNames = new RegExp(
  `\\b(?:${[...places, ...objects, ...actors, ...Object.keys(hopActors)].join("|")})s?\\b`,
  "i",
);

export interface Background {
  readonly count: number;
  /** `numWords` words from sentence `start` on, around the end if need be. */
  sentences(start: number, numWords: number): string[];
}

export function backgroundOf(haystack: Haystack): Background {
  const all = haystack.sentences
    .filter((sentence) => !worldNames.test(sentence))
    .map((sentence) => ({ sentence, numWords: sentence.split(" ").length }))
    .filter(({ numWords }) => numWords >= FEWEST_WORDS);
  if (all.length === 0)
    throw new InputError(
      `haystack ${haystack.name}: expected sentences of ${FEWEST_WORDS} words or more, got none. Use a haystack of prose.`,
    );
  return {
    count: all.length,
    sentences(start, numWords) {
      const taken: string[] = [];
      for (let left = numWords, at = start; left > 0; at++) {
        const next = all[at % all.length];
        taken.push(next.numWords <= left ? next.sentence : cut(next.sentence, left));
        left -= next.numWords;
      }
      return taken;
    },
  };
}

function cut(sentence: string, numWords: number): string {
  const kept = sentence.split(" ").slice(0, numWords).join(" ");
  return `${kept.replace(/[^\p{L}\p{N}]+$/u, "")}.`;
}
