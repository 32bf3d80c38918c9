/** Generated facts with questions about them: own words, in data/eval/rag.json. */
import { readJson } from "../../data.ts";
import type { Random } from "../../types.ts";

interface Family {
  readonly fact: string;
  /** Asks with the fact's own words and names. */
  readonly direct: string;
  /** Asks with others, and without names: only one fact of the family may stand in the text. */
  readonly paraphrase: string;
  readonly answers: readonly string[];
}

export interface RagData {
  readonly instruction: { readonly text: string; readonly none: string };
  readonly question: string;
  readonly answerPrefix: string;
  readonly refusals: readonly string[];
  readonly people: readonly string[];
  readonly places: readonly string[];
  readonly families: readonly Family[];
}

/** unanswerable: a direct question whose fact is left out, while one like it about somebody else is there. */
export const questionKinds = ["direct", "paraphrase", "direct", "unanswerable"] as const;
export type QuestionKind = (typeof questionKinds)[number];

export interface Item {
  readonly kind: QuestionKind;
  readonly question: string;
  readonly answer: string;
  /** Says the answer. */
  readonly fact: string;
  /** Other facts for the same text; none of them answers the question. */
  readonly others: readonly string[];
}

const numOthers = 3;

/** A question of a kind, with its fact and three others. */
export function makeItem(kind: QuestionKind, random: Random): Item {
  const { families, people, places } = ragData();
  const [asked, ...different] = random.sample(families, 1 + numOthers);
  const persons = random.sample(people, 1 + numOthers);
  const towns = random.sample(places, 1 + numOthers);
  const put = (template: string, i: number, answer = "") =>
    template
      .replace("{person}", persons[i])
      .replace("{place}", towns[i])
      .replace("{answer}", answer)
      .replace(/^./, (letter) => letter.toUpperCase());

  const [answer, otherAnswer] = random.sample(asked.answers, 2);
  // Next to a question with names stands the same fact about somebody else: finding the sentence is not enough.
  const others = different.map((family, i) =>
    i === 0 && kind !== "paraphrase"
      ? put(asked.fact, 1, otherAnswer)
      : put(family.fact, i + 1, random.pick(family.answers)),
  );
  const question = kind === "paraphrase" ? asked.paraphrase : put(asked.direct, 0);
  return { kind, question, answer, fact: put(asked.fact, 0, answer), others };
}

export function ragData(): RagData {
  return readJson<RagData>("rag.json");
}
