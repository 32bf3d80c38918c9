/** SQuAD 2.0 and HotpotQA as RULER reads them: a sorted list of paragraphs, and questions that know theirs. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { InputError } from "../../../runtime/errors.ts";

export interface Question {
  readonly text: string;
  readonly answers: readonly string[];
  /** Indices of the documents that belong to the question. */
  readonly documents: readonly number[];
  /** Of these, the ones that the answer rests on. */
  readonly evidence: readonly number[];
  /** Other documents of the same article. */
  readonly related: readonly number[];
}

export interface Collection {
  readonly documents: readonly string[];
  readonly questions: readonly Question[];
}

export const collections = {
  squad: {
    file: "dev-v2.0.json",
    page: "https://rajpurkar.github.io/SQuAD-explorer/dataset/dev-v2.0.json",
    license: "CC BY-SA 4.0",
    read: readSquad,
  },
  hotpotqa: {
    file: "hotpot_dev_distractor_v1.json",
    page: "http://curtis.ml.cmu.edu/datasets/hotpot/hotpot_dev_distractor_v1.json",
    license: "CC BY-SA 4.0",
    read: readHotpotQa,
  },
};

/** The collection in the user's file (`--data squad=FILE`). */
export function readCollection(name: keyof typeof collections, files: ReadonlyMap<string, string>): Collection {
  const { file, page, read } = collections[name];
  const path = files.get(name);
  const remedy = `Pass --data ${name}=FILE with the ${file} of ${page}`;
  if (path === undefined) throw new InputError(`data: expected a file for "${name}", got none. ${remedy}.`);
  try {
    return read(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const got = error instanceof z.ZodError ? z.prettifyError(error) : error.message;
    throw new InputError(`${path}: expected the questions of ${file}, got ${got}. ${remedy}.`);
  }
}

const squad = z.object({
  data: z.array(
    z.object({
      paragraphs: z.array(
        z.object({
          context: z.string(),
          qas: z.array(
            z.object({
              question: z.string(),
              answers: z.array(z.object({ text: z.string() })),
              is_impossible: z.boolean(),
            }),
          ),
        }),
      ),
    }),
  ),
});

/** Unanswerable questions are left out, as RULER does. */
function readSquad(json: unknown): Collection {
  const { data } = squad.parse(json);
  const paragraphs = data.flatMap((article) => article.paragraphs.map(({ context }) => context));
  const { documents, indexOf } = indexed(paragraphs);
  const questions = data.flatMap((article) => {
    const all = article.paragraphs.map(({ context }) => indexOf(context));
    return article.paragraphs.flatMap(({ context, qas }) => {
      const own = indexOf(context);
      const related = all.filter((document) => document !== own);
      return qas
        .filter((question) => !question.is_impossible)
        .map(({ question, answers }) => ({
          text: question,
          answers: answers.map(({ text }) => text),
          documents: [own],
          evidence: [own],
          related,
        }));
    });
  });
  return { documents, questions };
}

const hotpotQa = z.array(
  z.object({
    question: z.string(),
    answer: z.string(),
    context: z.array(z.tuple([z.string(), z.array(z.string())])),
    /** Title and sentence of what the answer rests on. */
    supporting_facts: z.array(z.tuple([z.string(), z.number()])),
  }),
);

function readHotpotQa(json: unknown): Collection {
  const items = hotpotQa.parse(json);
  const document = ([title, sentences]: readonly [string, readonly string[]]) => `${title}\n${sentences.join("")}`;
  const { documents, indexOf } = indexed(items.flatMap(({ context }) => context.map(document)));
  const questions = items.map(({ question, answer, context, supporting_facts: facts }) => {
    const titles = new Set(facts.map(([title]) => title));
    return {
      text: question,
      answers: [answer],
      documents: context.map((item) => indexOf(document(item))),
      evidence: context.filter(([title]) => titles.has(title)).map((item) => indexOf(document(item))),
      related: [],
    };
  });
  return { documents, questions };
}

function indexed(texts: readonly string[]): { documents: string[]; indexOf: (text: string) => number } {
  const documents = [...new Set(texts)].sort();
  const indices = new Map(documents.map((text, index) => [text, index]));
  return { documents, indexOf: (text) => indices.get(text)! };
}
