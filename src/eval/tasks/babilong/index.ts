/**
 * Reasoning over facts scattered in a long text, after BABILong (Kuratov et al. 2024, https://arxiv.org/abs/2406.10149;
 * github.com/booydar/babilong): facts keep their order, each stands in a random gap between background sentences.
 * babi_qa1 to babi_qa3 are bAbI tasks 1 to 3 with the official prompts and score, told by our own simulation of that
 * world; babi_hops_1 to babi_hops_5 are our own chains of exactly k facts.
 */
import { filled } from "../../fill.ts";
import type { Cell, Draft, Random, Span, Task } from "../../types.ts";
import { type Background, backgroundOf } from "./background.ts";
import { mostHops, tellHops } from "./hops.ts";
import { scorePlace } from "./score.ts";
import { type Story, tellStory } from "./story.ts";
import { fillIn, type PromptWords, type QuestionKind, words } from "./words.ts";

/** As in BABILong's own runs. */
const MAX_TOKENS = 20;
/** A fact has about eight tokens: facts take at most a quarter of the length, from 512 tokens on. */
const mostFacts = (length: number) => Math.max(16, Math.floor(length / 32));

const official: [id: string, kind: QuestionKind, summary: string][] = [
  ["babi_qa1", "actor", "bAbI 1 in a long text: where is a person, from the last of several moves"],
  ["babi_qa2", "object", "bAbI 2 in a long text: where is an object, from who took it and went where"],
  ["babi_qa3", "before", "bAbI 3 in a long text: where was an object before it came to a place"],
];

export const babilongTasks: readonly Task[] = [
  ...official.map(([id, kind, summary]) =>
    task(id, summary, words.prompts[id], (random, length) => tellStory(kind, random, mostFacts(length))),
  ),
  ...Array.from({ length: mostHops }, (_, i) =>
    task(
      `babi_hops_${i + 1}`,
      `Own chain of exactly ${i + 1} ${i === 0 ? "fact" : "facts"} in a long text: where an item ended up`,
      words.prompts.hops,
      (random) => tellHops(i + 1, random),
    ),
  ),
];

function task(id: string, summary: string, prompt: PromptWords, tell: (random: Random, length: number) => Story): Task {
  return {
    id,
    family: "babilong",
    version: 1,
    summary,
    source: words.source,
    license: words.license,
    cell(cell: Cell) {
      const background = backgroundOf(cell.haystack);
      const build = (numWords: number, random: Random) =>
        draftOf(prompt, tell(random.fork("story"), cell.length), background, numWords, random.fork("places"));
      return filled(cell, build, { least: 0 });
    },
    score: (output, { parts, references }) => scorePlace(output, parts.question, references[0]),
  };
}

function draftOf(prompt: PromptWords, story: Story, background: Background, numWords: number, random: Random): Draft {
  const sentences = background.sentences(random.int(background.count), numWords);
  // Sorted draws with replacement; the same shares of the text for any number of sentences.
  const gaps = story.facts.map(() => random.next()).sort((a, b) => a - b);
  const [opening, closing] = fillIn(words.template, { ...prompt }).split("{text}");
  const pieces: string[] = [];
  const spans: Span[] = [];
  let [at, fact] = [opening.length, 0];
  const add = (piece: string) => {
    const start = at;
    pieces.push(piece);
    at += piece.length + 1;
    return { start, end: at - 1 };
  };
  for (let gap = 0; gap <= sentences.length; gap++) {
    for (; fact < gaps.length && Math.floor(gaps[fact] * (sentences.length + 1)) === gap; fact++)
      spans.push(add(story.facts[fact]));
    if (gap < sentences.length) add(sentences[gap]);
  }
  const text = pieces.join(" ");
  const needles = story.supports.map((support) => spans[support]);
  const middle = needles.reduce((sum, { start, end }) => sum + (start + end) / 2, 0) / needles.length;
  return {
    parts: { context: opening + text + closing, question: story.question },
    references: [story.place],
    maxTokens: MAX_TOKENS,
    depth: (middle - opening.length) / text.length,
    needles,
    facts: { facts: story.facts.length, supports: story.supports.length, answer: story.answer },
  };
}
