/** What holds for rows that go into one table: one mode, and each sample once. */
import { InputError } from "../../runtime/errors.ts";
import type { PromptMode, Row } from "../types.ts";
import type { Totals } from "./types.ts";

/** The mode of all rows. `where` opens the error. */
export function onlyMode(where: string, rows: readonly Row[]): PromptMode {
  if (rows.length === 0)
    throw new InputError(`${where}: expected results of at least one sample, got none. Run the evaluation first.`, {
      expected: 1,
      got: 0,
    });
  const modes = [...new Set(rows.map(({ mode }) => mode))];
  if (modes.length > 1)
    throw new InputError(
      `${where}: expected results of one prompt mode, got ${modes.join(" and ")}, whose scores are not comparable. Look at each mode by itself.`,
      { expected: 1, got: modes },
    );
  return modes[0];
}

/** Rows by task, length and index. */
export function bySample(where: string, rows: readonly Row[]): Map<string, Row> {
  const samples = new Map<string, Row>();
  for (const row of rows) {
    const id = `${row.task}/${row.length}/${row.index}`;
    if (samples.has(id))
      throw new InputError(
        `${where}: expected one result of sample ${id}, got several. Give the results of one run, and each file once.`,
        { expected: 1, got: id },
      );
    samples.set(id, row);
  }
  return samples;
}

/** Different values in order of first appearance. */
export function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}

/** Tokens and seconds count for samples that count. */
export function totalsOf(rows: readonly Row[]): Totals {
  const counted = rows.filter(({ truncated }) => !truncated);
  const sum = (of: (row: Row) => number) => counted.reduce((total, row) => total + of(row), 0);
  return {
    samples: counted.length,
    truncated: rows.length - counted.length,
    fromCache: counted.filter(({ fromCache }) => fromCache).length,
    promptTokens: sum(({ usage }) => usage.promptTokens),
    cachedTokens: sum(({ usage }) => usage.cachedTokens),
    outputTokens: sum(({ usage }) => usage.outputTokens),
    seconds: sum(({ usage }) => usage.seconds),
  };
}
