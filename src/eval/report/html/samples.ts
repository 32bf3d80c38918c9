/** The samples that the viewer shows, embedded once as JSON. */
import type { Row } from "../../types.ts";
import { escapeText } from "../charts/markup.ts";
import type { NamedRun } from "./runs.ts";

/** What the viewer's script reads. */
export interface SampleData {
  readonly runs: readonly string[];
  readonly samples: readonly ViewedSample[];
}

export type ViewedSample = Pick<
  Row,
  | "task"
  | "length"
  | "index"
  | "depth"
  | "question"
  | "answerPrefix"
  | "evidence"
  | "references"
  | "output"
  | "score"
  | "scores"
  | "facts"
  | "finish"
  | "promptTokens"
  | "maxTokens"
  | "usage"
  | "truncated"
  | "attempts"
  | "fromCache"
> & {
  /** Index in `runs`. */
  readonly run: number;
};

/** Longer texts are cut: the log has them whole. In UTF-16 units. */
const longestText = 6000;

/** The worst first; of equals by index before task, so that a cut leaves some of every task. */
export function chooseSamples(runs: readonly NamedRun[], most: number): SampleData {
  const samples = runs.flatMap((run) => run.rows.map((row) => viewed(row, run.series)));
  // Array.sort is stable: what is equal stays in the order of runs and of their logs.
  samples.sort((a, b) => worth(a) - worth(b) || a.index - b.index || a.length - b.length);
  return { runs: runs.map(({ name }) => name), samples: samples.slice(0, most) };
}

/**
 * JSON inside a script element. `<` becomes an escape of JSON, so that no text can close the element or open a comment,
 * and neither can U+2028 or U+2029 break a line.
 */
export function embedJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

export function dataElement(id: string, value: unknown): string {
  return `<script type="application/json" id="${escapeText(id)}">${embedJson(value)}</script>`;
}

function viewed(row: Row, run: number): ViewedSample {
  return {
    run,
    task: row.task,
    length: row.length,
    index: row.index,
    depth: row.depth,
    question: clip(row.question),
    answerPrefix: row.answerPrefix,
    evidence: row.evidence.map(({ before, needle, after, depth }) => ({ before, needle: clip(needle), after, depth })),
    references: row.references.map(clip),
    output: clip(row.output),
    score: row.score,
    scores: row.scores,
    facts: row.facts,
    finish: row.finish,
    promptTokens: row.promptTokens,
    maxTokens: row.maxTokens,
    usage: row.usage,
    truncated: row.truncated,
    attempts: row.attempts,
    fromCache: row.fromCache,
  };
}

/** Cut prompts come last: their answers say nothing. */
function worth({ score, truncated }: ViewedSample): number {
  return truncated ? 2 : score;
}

function clip(text: string): string {
  if (text.length <= longestText) return text;
  return `${text.slice(0, longestText)} … (${text.length - longestText} more characters)`;
}
