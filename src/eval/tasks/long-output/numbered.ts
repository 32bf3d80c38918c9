/**
 * A numbered diary with rules on what must stand where, in the manner of LongGenBench (Wu et al. 2024,
 * https://arxiv.org/abs/2409.02076), whose prompts have no licence: ours are our own, and codes instead of topics make
 * every rule checkable without a judge.
 */
import type { Random, Task } from "../../types.ts";
import { scoreDiary } from "./diary-score.ts";
import { type LongAnswer, withRoom } from "./room.ts";
import { daysOf, drawRules, formatRule, parseRule, type Rule, sayRule } from "./rules.ts";
import { fillIn, words } from "./words.ts";

const FEWEST_DAYS = 5;

const { numbered } = words;

export const outNumbered: Task = {
  id: "out_numbered",
  family: "long-output",
  version: 1,
  summary: "Writes a diary of many numbered entries with codes where rules ask for them",
  source: words.source,
  license: words.license,
  cell: (cell) => withRoom(cell, diaryOf, FEWEST_DAYS),
  score: (output, { references, facts }) =>
    scoreDiary(output, references.map(parseRule), Number(facts!.items), Number(facts!.expectedWords)),
};

function diaryOf(count: number, random: Random): LongAnswer {
  const rules = drawRules(count, random.fork("rules"));
  const keeper = random.fork("keeper").pick(numbered.keepers);
  const expected = writeDiary(count, rules, random.fork("diary"));
  return {
    draft: {
      parts: {
        context:
          fillIn(numbered.instruction, { keeper, count, words: numbered.sentenceWords }) + rules.map(sayRule).join(""),
        question: fillIn(numbered.question, { end: numbered.end }),
      },
      references: rules.map(formatRule),
      stop: [numbered.end],
      facts: { items: count, rules: rules.length, expectedWords: expected.split(/\s+/).length },
    },
    expected,
  };
}

/** A diary that keeps every rule; what it says is nonsense of the length asked for. */
export function writeDiary(count: number, rules: readonly Rule[], random: Random): string {
  const codes = new Map<number, string>();
  for (const rule of rules) for (const day of daysOf(rule)) codes.set(day, `${codes.get(day) ?? ""} (${rule.code})`);
  const { entry, sentences, slots } = numbered;
  return Array.from({ length: count }, (_, i) => {
    const sentence = random.pick(sentences).replace(/\{(\w+)\}/g, (_, slot) => random.pick(slots[slot]));
    return fillIn(entry, { day: i + 1, sentence }) + (codes.get(i + 1) ?? "");
  }).join("\n");
}
