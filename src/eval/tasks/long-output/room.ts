/**
 * Lengths of tasks whose answer is long: prompt and answer share the length. The number of items is the largest with
 * which the expected answer takes at most half of it and leaves a quarter of itself to spare; what the prompt leaves
 * over is all for the answer.
 */
import { filled } from "../../fill.ts";
import type { Cell, Draft, Random } from "../../types.ts";

const SPARE = 1.25;

export interface LongAnswer {
  readonly draft: Omit<Draft, "maxTokens">;
  /** An answer of the length that is expected. */
  readonly expected: string;
}

export function withRoom(
  cell: Cell,
  build: (items: number, random: Random) => LongAnswer,
  least: number,
  most = Number.POSITIVE_INFINITY,
): (index: number) => Draft {
  const draftOf = (items: number, random: Random): Draft => {
    const { draft, expected } = build(items, random);
    const answer = cell.countTokens(expected);
    return { ...draft, maxTokens: Math.max(2 * answer - cell.promptTokens(draft.parts), Math.ceil(SPARE * answer)) };
  };
  const samples = filled(cell, draftOf, { least, most });
  return (index) => {
    const draft = samples(index);
    return { ...draft, maxTokens: cell.length - cell.promptTokens(draft.parts) };
  };
}
