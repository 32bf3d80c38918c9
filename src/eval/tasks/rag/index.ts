/**
 * Retrieval against long context: the same questions about the same texts in six arms, which differ only in what of the
 * text the prompt has: nothing (closed book), the chunk with the answer (oracle), the 1, 5 or 10 best chunks by BM25 in
 * their original order, everything. Self-Route (self-route.ts) combines two of them.
 *
 * Sample i is the same question in every arm: its numbers come from the run's seed, the length and i, not from the task,
 * and the text is always as long as the arm with all of it allows.
 */
import { createBm25 } from "../../bm25.ts";
import { filled } from "../../fill.ts";
import { createRandom } from "../../random.ts";
import type { Cell, Draft, Task } from "../../types.ts";
import { type Item, makeItem, questionKinds, ragData } from "./bank.ts";
import { makeDocument, type RagDocument } from "./document.ts";
import { scoreAnswer, unanswerable } from "./score.ts";

/** Which chunks the prompt shows, in ascending order. */
type Choose = (document: RagDocument, question: string) => readonly number[];

const maxTokens = 32;
const everything: Choose = ({ chunks }) => chunks.map((_, i) => i);
const best =
  (count: number): Choose =>
  ({ chunks }, question) =>
    createBm25(chunks)
      .best(question, count)
      .sort((left, right) => left - right);

export const ragTasks: readonly Task[] = [
  { ...arm("rag_closed", "without the text", () => []), isControl: true },
  { ...arm("rag_oracle", "from the chunk that has the answer", ({ goldChunk }) => [goldChunk]), isControl: true },
  arm("rag_bm25_1", "from the best chunk of 300 words by BM25", best(1)),
  arm("rag_bm25_5", "from the 5 best chunks of 300 words by BM25", best(5)),
  arm("rag_bm25_10", "from the 10 best chunks of 300 words by BM25", best(10)),
  arm("rag_long", "from the whole text", everything),
];

function arm(id: string, from: string, choose: Choose): Task {
  return {
    id,
    family: "rag",
    version: 1,
    summary: `answer a question about a long text ${from}, or say that it has no answer`,
    source: "own, after Self-Route (Li et al. 2024), arXiv:2407.16833",
    license: "own words",
    sweepsDepth: choose === everything,
    cell(cell) {
      return (index) => {
        const { item, document, depth } = question(cell, index);
        return draftOf(item, document, depth, choose(document, item.question));
      };
    },
    score: scoreAnswer,
  };
}

/** Question and text of an index, the same for every arm. */
function question(cell: Cell, index: number): { item: Item; document: RagDocument; depth: number } {
  const random = createRandom(cell.seed, "rag", cell.length, index);
  const item = makeItem(questionKinds[index % questionKinds.length], random.fork("item"));
  const depth = ((index % 7) + 0.5) / 7;
  let document: RagDocument | undefined;
  // A fill of its own for every index: what other samples needed must not show in this one.
  filled(cell, (units) => {
    document = makeDocument(cell.haystack, item, { units, depth, random: random.fork("document") });
    return draftOf(item, document, depth, everything(document, item.question));
  })(index);
  return { item, document: document!, depth };
}

function draftOf(item: Item, { chunks, goldChunk }: RagDocument, depth: number, chosen: readonly number[]): Draft {
  const { instruction, question, answerPrefix } = ragData();
  const shown = chosen.map((i) => chunks[i]).join("\n\n");
  const context = chosen.length === 0 ? instruction.none : instruction.text + shown;
  const isAnswerable = item.kind !== "unanswerable";
  const hasGold = isAnswerable && chosen.includes(goldChunk);
  const start = hasGold ? context.indexOf(item.fact) : -1;
  return {
    parts: { context, question: question.replace("{question}", item.question), answerPrefix },
    references: [isAnswerable ? item.answer : unanswerable],
    maxTokens,
    depth,
    needles: hasGold ? [{ start, end: start + item.fact.length }] : [],
    facts: { kind: item.kind, chunks: chosen.length, hasGold },
  };
}
