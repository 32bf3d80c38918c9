/**
 * RULER's questions over documents: people's questions from SQuAD and HotpotQA, their paragraphs among others of the
 * same file. The files are the user's own.
 *
 * Source: NVIDIA/RULER, scripts/data/synthetic/qa.py (facts; arXiv 2404.06654, section 3).
 */
import { InputError } from "../../../runtime/errors.ts";
import { filled } from "../../fill.ts";
import { stringMatchAll, stringMatchPart } from "../../score/string-match.ts";
import type { Random, Task } from "../../types.ts";
import { ask, budget, joinPieces, type Unbudgeted } from "./passage.ts";
import { type DocumentsTemplate, fillIn, type Profile } from "./profiles.ts";
import { type Collection, collections, type Question, readCollection } from "./questions.ts";

export function questionsTask(
  id: string,
  summary: string,
  collection: keyof typeof collections,
  profile: Profile,
): Task {
  const template = profile.templates.qa;
  const { license, page } = collections[collection];
  const match = profile.questionsNeedOne ? stringMatchPart : stringMatchAll;
  return {
    id: profile.idPrefix + id,
    family: profile.family,
    version: 1,
    summary,
    source: `${profile.source}; questions: ${page}`,
    license: `${profile.license}; questions: ${license}`,
    needsFile: collection,
    cell(cell) {
      const { documents, questions } = readCollection(collection, cell.files);
      return (index) => {
        const question = questions[index];
        if (!question)
          throw new InputError(
            `${id}: expected a question for sample ${index + 1}, got a file with ${questions.length}. Make fewer samples.`,
            { expected: index + 1, got: questions.length },
          );
        // References are other wordings of one answer.
        const longest = question.answers.reduce((a, b) => (b.length > a.length ? b : a));
        const build = (units: number, random: Random) =>
          budget(cell, profile, template, askDocuments(template, { units, random, documents, question }), longest);
        const most = documents.length - question.documents.length;
        return filled(cell, build, { least: 0, most })(index);
      };
    },
    score: (output, { references }) => ({ score: match(output, references) }),
  };
}

export interface DocumentSources extends Pick<Collection, "documents"> {
  /** Documents beside the question's own. */
  readonly units: number;
  readonly random: Random;
  readonly question: Question;
}

/** One sample: the question's documents, then those of the same article, then any others; all of them shuffled. */
export function askDocuments(template: DocumentsTemplate, sources: DocumentSources): Unbudgeted {
  const { units, random, documents, question } = sources;
  const { documents: own, related } = question;
  const chosen = [...own];
  if (units > related.length) {
    const taken = new Set([...own, ...related]);
    const others = [...documents.keys()].filter((document) => !taken.has(document));
    chosen.push(...related, ...random.sample(others, units - related.length));
  } else chosen.push(...random.sample(related, units));
  const shuffled = random.fork("order").shuffle(chosen);
  const evidence = new Set(question.evidence);
  const passage = joinPieces(
    shuffled.map((document, i) => fillIn(template.document, { index: i + 1, document: documents[document] })),
    "\n\n",
    shuffled.flatMap((document, i) => (evidence.has(document) ? [i] : [])),
  );
  return ask(
    template,
    passage,
    { query: question.text },
    {
      references: question.answers,
      facts: { units, documents: chosen.length },
    },
  );
}
