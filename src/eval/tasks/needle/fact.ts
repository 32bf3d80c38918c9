/** Random facts in Kamradt's place: passcodes of cities, which no model can know. One, or several that are all asked for. */
import { filled } from "../../fill.ts";
import type { Task } from "../../types.ts";
import { gridPoint, offsetOf } from "./grid.ts";
import { about, draftOf, fact, factsOf, multi, scoreAll, scoreFirst } from "./passcodes.ts";
import { hide } from "./place.ts";
import { fillIn } from "./template.ts";

export const needleFact: Task = {
  ...about,
  id: "needle_fact",
  summary: "the passcode of one city at 11 depths, another one in each sample; exact match",
  sweepsDepth: true,
  cell(cell) {
    return filled(cell, (words, random, index) => {
      const { depth, repetition } = gridPoint(index);
      const [asked] = factsOf(random, 1);
      const haystack = cell.haystack.words(words, offsetOf(cell, repetition));
      const { text, spans } = hide(haystack, [{ text: fillIn(fact.needle, { ...asked }), depth }], "\n");
      return {
        ...draftOf(fact, text, { ...asked }, [asked]),
        depth,
        needles: spans,
      };
    });
  },
  score: scoreFirst,
};

export const needleMulti: Task = {
  ...about,
  id: "needle_multi",
  summary: `the passcodes of ${multi.needles} cities, the first at one of 11 depths, the others spread after it; recall`,
  sweepsDepth: true,
  cell(cell) {
    return filled(cell, (words, random, index) => {
      const { depth, repetition } = gridPoint(index);
      const asked = factsOf(random, multi.needles);
      const needles = asked.map((one, i) => ({
        text: fillIn(fact.needle, { ...one }),
        depth: depth + (i * (1 - depth)) / asked.length,
      }));
      const { text, spans } = hide(cell.haystack.words(words, offsetOf(cell, repetition)), needles, "\n");
      return {
        // In another order than in the text: a model cannot just copy what it meets.
        ...draftOf(multi, text, { cities: listOf(random.shuffle(asked).map(({ subject }) => subject)) }, asked),
        depth,
        needles: spans,
        facts: { needles: asked.length },
      };
    });
  },
  score: scoreAll,
};

function listOf(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
