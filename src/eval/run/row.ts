/** One line of the log out of a sample and its answer. */
import type { Backend, Draft, Excerpt, Generation, Row, Sample, Task } from "../types.ts";
import { promptHash, sha256 } from "./samples.ts";

/** Characters shown before and after a needle. */
const AROUND = 160;
const MOST_EXCERPTS = 8;

/** What determines an answer: under this name it is cached. */
export function answerKey(backend: Pick<Backend, "fingerprint" | "mode">, draft: Draft): string {
  return sha256(
    JSON.stringify([backend.fingerprint, backend.mode, promptHash(draft), draft.maxTokens, draft.stop ?? []]),
  );
}

/** What determines a row: an answer to a sample of a task. --resume goes by it. */
export function rowKey(answer: string, task: Task, sample: Sample): string {
  return sha256(`${answer} ${task.id}@${task.version} ${sample.length} ${sample.index}`).slice(0, 32);
}

export function rowOf(
  task: Task,
  sample: Sample,
  mode: Backend["mode"],
  generation: Generation,
  key: string,
  fromCache: boolean,
): Row {
  const scores = task.score(generation.text, sample);
  return {
    key,
    task: task.id,
    family: task.family,
    mode,
    length: sample.length,
    index: sample.index,
    group: sample.group,
    // Elsewhere it is an accident, and no axis of a table: the evidence has it.
    depth: task.sweepsDepth ? sample.depth : undefined,
    isControl: task.isControl || undefined,
    promptHash: promptHash(sample).slice(0, 32),
    promptTokens: sample.promptTokens,
    fill: (sample.promptTokens + sample.maxTokens) / sample.length,
    maxTokens: sample.maxTokens,
    question: sample.parts.question,
    answerPrefix: sample.parts.answerPrefix,
    evidence: excerptsOf(sample),
    references: sample.references,
    output: generation.text,
    score: scores.score,
    scores,
    facts: sample.facts,
    finish: generation.finish,
    usage: generation.usage,
    truncated: generation.truncated || undefined,
    attempts: generation.attempts ?? 1,
    fromCache: fromCache || undefined,
  };
}

function excerptsOf({ parts: { context }, needles = [] }: Draft): Excerpt[] {
  return needles.slice(0, MOST_EXCERPTS).map(({ start, end }) => ({
    before: context.slice(Math.max(0, start - AROUND), start),
    needle: context.slice(start, end),
    after: context.slice(end, end + AROUND),
    depth: context.length === 0 ? 0 : start / context.length,
  }));
}
