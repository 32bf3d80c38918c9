/**
 * Synthetic requests: 24 intents of eight sentence patterns with slots. The question's pattern never occurs among its
 * own label's demonstrations, so that the label must be told from the meaning and not from the same words around a slot.
 */
import type { Random } from "../../types.ts";
import type { LabelledTexts } from "./labelled-text.ts";
import { words } from "./words.ts";

const { intents, slots } = words;

export const syntheticIntents: LabelledTexts = {
  labels: Object.keys(intents).sort(),
  question(random) {
    const label = random.pick(Object.keys(intents));
    return { label, text: say(random.pick(intents[label]), random) };
  },
  *demonstrations(label, question, random) {
    const patterns = intents[label].filter((pattern) => !fits(pattern, question.text));
    for (;;) for (const pattern of random.shuffle(patterns)) yield say(pattern, random);
  },
};

function say(pattern: string, random: Random): string {
  return pattern.replace(/\{(\w+)\}/g, (_, slot) => random.pick(slots[slot]));
}

/** Whether a text may come from a pattern. */
export function fits(pattern: string, text: string): boolean {
  const parts = pattern.split(/\{\w+\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".+")}$`).test(text);
}
