/** Samples of one task at one length, for one backend's tokens. */
import { createHash } from "node:crypto";
import { createRandom } from "../random.ts";
import type { Backend, Cell, Draft, Haystack, Sample, Task } from "../types.ts";

export interface SampleSource {
  readonly seed: number;
  readonly haystack: Haystack;
  readonly files: ReadonlyMap<string, string>;
}

/** Seeds split by (task, length, name): order, number and concurrency of the samples change nothing. */
export function createCell(
  backend: Pick<Backend, "promptTokens" | "countTokens">,
  task: Task,
  length: number,
  count: number,
  { seed, haystack, files }: SampleSource,
): Cell {
  return {
    seed,
    length,
    count,
    random: (name) => createRandom(seed, task.id, length, name),
    promptTokens: (parts) => backend.promptTokens(parts),
    countTokens: (text) => backend.countTokens(text),
    haystack,
    files,
  };
}

/** Samples by index. */
export function samplesOf(task: Task, cell: Cell): (index: number) => Sample {
  const draftOf = task.cell(cell);
  return (index) => sampleOf(task, cell, draftOf(index), index);
}

function sampleOf(task: Task, cell: Cell, draft: Draft, index: number): Sample {
  const id = `${task.id}/${cell.length}/${index}`;
  return {
    ...draft,
    id,
    task: task.id,
    length: cell.length,
    index,
    group: draft.group === undefined ? id : `${task.id}/${cell.length}/${draft.group}`,
    promptTokens: cell.promptTokens(draft.parts),
  };
}

/** Identifies a prompt by its parts. */
export function promptHash({ parts }: Draft): string {
  const { system = "", context, question, answerPrefix = "" } = parts;
  return sha256(JSON.stringify([system, context, question, answerPrefix]));
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
