/** Rows of a results log for tests of summaries and reports. */
import type { Row } from "../../src/eval/types.ts";

/** A row with plain values for all that a test does not care about. */
export function evalRow(row: Partial<Row> = {}): Row {
  const { task = "niah_single_1", length = 4096, index = 0, score = 1 } = row;
  const id = `${task}/${length}/${index}`;
  return {
    key: id,
    task,
    family: "ruler",
    mode: "raw",
    length,
    index,
    group: id,
    promptHash: `prompt of ${id}`,
    promptTokens: length - 96,
    fill: 1,
    maxTokens: 96,
    question: "What is the special magic number?",
    evidence: [],
    references: ["1234567"],
    output: " 1234567.",
    score,
    scores: { score },
    finish: "stop",
    usage: { promptTokens: length - 96, cachedTokens: 0, outputTokens: 8, seconds: 2 },
    attempts: 1,
    ...row,
  };
}

/** One row a score, with ascending indices. */
export function evalRows(scores: readonly number[], row: Partial<Row> = {}): Row[] {
  return scores.map((score, index) => evalRow({ ...row, index, score }));
}

/** `count` scores of which the first `right` are 1, the others 0. */
export function shares(right: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => (i < right ? 1 : 0));
}
