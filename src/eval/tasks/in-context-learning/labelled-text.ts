/** A set of texts with labels: where demonstrations and questions come from. */
import { InputError } from "../../../runtime/errors.ts";
import type { Random } from "../../types.ts";

export interface Item {
  readonly text: string;
  readonly label: string;
}

export interface LabelledTexts {
  readonly labels: readonly string[];
  /** The item to ask about. */
  question(random: Random): Item;
  /** Endless demonstrations of one label, none of which answers the question by having its very words. */
  demonstrations(label: string, question: Item, random: Random): Iterator<string>;
}

/** Items of a list; questions come from `asked` if it is given, and else from the list itself. `where` is for errors. */
export function labelledTexts(where: string, items: readonly Item[], asked: readonly Item[] = items): LabelledTexts {
  const texts = new Map<string, Set<string>>();
  for (const { text, label } of items) texts.set(label, (texts.get(label) ?? new Set()).add(text));
  const othersOf = (label: string, text: string) => [...(texts.get(label) ?? [])].filter((other) => other !== text);
  const askable = asked.filter(({ label, text }) => othersOf(label, text).length > 0);
  if (texts.size < 2 || askable.length === 0)
    throw new InputError(
      `${where}: expected two labels or more with two texts or more, got ${texts.size} labels for ${items.length} texts. Pass the whole file.`,
    );
  return {
    labels: [...texts.keys()].sort(),
    question: (random) => random.pick(askable),
    *demonstrations(label, question, random) {
      const all = othersOf(label, question.text);
      // A label of which the question is the only text is not the question's own: askable leaves that out.
      for (;;) yield* random.shuffle(all.length > 0 ? all : [question.text]);
    },
  };
}
