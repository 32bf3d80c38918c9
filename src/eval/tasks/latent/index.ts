/**
 * Latent needles: question and needle share no word, only common knowledge links them, so matching words finds nothing
 * (the idea of NoLiMa, Modarressi et al. 2025, arXiv 2502.05167; all items are our own). latent_literal asks for the same
 * facts in the needles' own words: the difference is what a model owes to the match of words.
 */

import { filled } from "../../fill.ts";
import type { Cell, Draft, Score, Task } from "../../types.ts";
import { gridPoint } from "../needle/grid.ts";
import { hide } from "../needle/place.ts";
import { fillIn } from "../needle/template.ts";
import { bank, cleanHaystack, type Item } from "./bank.ts";

const oneHop = bank.items.filter(({ hops }) => hops === 1);
const twoHop = bank.items.filter(({ hops }) => hops === 2);

export const latentTasks: Task[] = [
  task("latent_one_hop", "who is it? one step of common knowledge from the needle", oneHop, ({ question }) => question),
  task(
    "latent_two_hop",
    "who is it? two steps of common knowledge from the needle",
    twoHop,
    ({ question }) => question,
  ),
  {
    ...task(
      "latent_literal",
      "control: the same needles, asked for in their own words",
      bank.items,
      ({ literal }) => literal,
    ),
    isControl: true,
  },
];

function task(id: string, summary: string, items: readonly Item[], ask: (item: Item) => string): Task {
  return {
    id,
    family: "latent",
    version: 1,
    summary,
    source: bank.source,
    license: bank.license,
    sweepsDepth: true,
    cell(cell) {
      const haystack = cleanHaystack(cell.haystack);
      return filled(cell, (words, random, index) => {
        const { depth, repetition } = gridPoint(index);
        const item = itemAt(cell, items, index);
        const name = random.pick(bank.names);
        const offset = cell.random(`haystack/${repetition}`).int(haystack.wordCount);
        const needle = item.needle.replace("{CHAR}", name);
        const { text, spans } = hide(haystack.words(words, offset), [{ text: needle, depth }], " ");
        const context = fillIn(bank.context, { text });
        const shift = context.length - text.length;
        return {
          parts: { context, question: fillIn(bank.question, { question: ask(item) }), answerPrefix: bank.answerPrefix },
          references: [name],
          maxTokens: bank.maxTokens,
          depth,
          needles: spans.map(({ start, end }) => ({ start: start + shift, end: end + shift })),
          facts: { item: item.id, hops: item.hops },
        };
      });
    },
    score,
  };
}

/** Every item once, in random order; then again in another one, so that none keeps to a depth. */
function itemAt(cell: Cell, items: readonly Item[], index: number): Item {
  const round = Math.floor(index / items.length);
  return cell.random(`items/${round}`).shuffle(items)[index % items.length];
}

/** Right if the answer names the character, and none of the others. */
function score(output: string, { references }: Draft): Score {
  const words = new Set(output.toLowerCase().match(/\p{L}+/gu));
  const named = bank.names.filter((name) => words.has(name.toLowerCase()));
  return { score: named.length === 1 && named[0] === references[0] ? 1 : 0 };
}
