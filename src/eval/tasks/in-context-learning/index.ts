/**
 * Many-shot in-context learning as in HELMET (Yen et al. 2024, https://arxiv.org/abs/2410.02694): a long list of texts
 * with labels, then one text more. Demonstrations come in rounds of one per label in random order, as many as fill the
 * length; facts.shots says how many. icl_permuted and all sets of users name the labels by whole numbers, dealt anew for
 * each sample, so that nothing but the demonstrations tells them; icl_natural keeps the words.
 */
import { InputError } from "../../../runtime/errors.ts";
import { filled } from "../../fill.ts";
import { parsedAnswer } from "../../score/parsed-answer.ts";
import { normalizeAnswer } from "../../score/token-f1.ts";
import type { Cell, Draft, Random, Task } from "../../types.ts";
import { syntheticIntents } from "./intents.ts";
import type { LabelledTexts } from "./labelled-text.ts";
import { banking77, clinc150, trecCoarse, trecFine, type UserSet } from "./user-data.ts";
import { words } from "./words.ts";

/** As in HELMET. */
const MAX_TOKENS = 20;

type Naming = "words" | "numbers";

export const inContextLearningTasks: readonly Task[] = [
  task("icl_natural", "Many-shot: 24 kinds of requests, labels in words", "words", () => syntheticIntents),
  task("icl_permuted", "Many-shot: 24 kinds of requests, labels are random numbers", "numbers", () => syntheticIntents),
  userTask("icl_banking77", "Many-shot: BANKING77, labels are random numbers", banking77),
  userTask("icl_clinc150", "Many-shot: CLINC150, labels are random numbers", clinc150),
  userTask("icl_trec", "Many-shot: TREC's 6 coarse classes, labels are random numbers", trecCoarse),
  userTask("icl_trec_fine", "Many-shot: TREC's 50 fine classes, labels are random numbers", trecFine),
];

function userTask(id: string, summary: string, set: UserSet): Task {
  const textsOf = ({ files }: Cell) => {
    const path = files.get(set.file);
    if (path === undefined)
      throw new InputError(`${id}: expected --data ${set.file}=FILE, got none. Download ${set.download} and pass it.`);
    return set.read(path);
  };
  const license = `${words.license} ${set.license}`;
  return { ...task(id, summary, "numbers", textsOf), license, needsFile: set.file };
}

function task(id: string, summary: string, naming: Naming, textsOf: (cell: Cell) => LabelledTexts): Task {
  return {
    id,
    family: "in-context-learning",
    version: 1,
    summary,
    source: words.source,
    license: words.license,
    cell(cell) {
      const texts = textsOf(cell);
      const build = (shots: number, random: Random) => draftOf(texts, naming, shots, random);
      // Fewer than one round would ask for a label that nothing shows.
      return filled(cell, build, { least: texts.labels.length });
    },
    score: (output, { references }) => ({
      score: normalizeAnswer(parsedAnswer(output, words.parsePrefix)) === normalizeAnswer(references[0]) ? 1 : 0,
    }),
  };
}

function draftOf(texts: LabelledTexts, naming: Naming, shots: number, random: Random): Draft {
  const question = texts.question(random.fork("question"));
  const numbers = random.fork("labels").shuffle(texts.labels.map((_, i) => String(i)));
  const names = new Map(texts.labels.map((label, i) => [label, naming === "words" ? label : numbers[i]]));
  const order = random.fork("order");
  const sources = new Map(
    texts.labels.map((label) => [label, texts.demonstrations(label, question, random.fork(`label ${label}`))]),
  );
  const itemOf = (label: string) =>
    words.item.replace(/\{(\w+)\}/g, (_, name) =>
      name === "text" ? sources.get(label)!.next().value : names.get(label)!,
    );
  const items: string[] = [];
  while (items.length < shots)
    for (const label of order.shuffle(texts.labels).slice(0, shots - items.length)) items.push(itemOf(label));
  return {
    parts: {
      context: words.instruction + items.join(words.separator) + words.separator,
      question: question.text,
      answerPrefix: words.answerPrefix,
    },
    references: [names.get(question.label)!],
    maxTokens: MAX_TOKENS,
    stop: ["\n"],
    facts: { shots, labels: texts.labels.length, label: question.label },
  };
}
