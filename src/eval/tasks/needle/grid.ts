import type { Cell } from "../../types.ts";

/** 0 is the beginning of the text, 1 its end. */
export const depths: readonly number[] = Array.from({ length: 11 }, (_, i) => i / 10);

export interface GridPoint {
  readonly depth: number;
  readonly repetition: number;
}

export function gridPoint(index: number): GridPoint {
  return { depth: depths[index % depths.length], repetition: Math.floor(index / depths.length) };
}

/** First word of a repetition's text: all its depths share it, so that they share the prefix before the needle. */
export function offsetOf(cell: Cell, repetition: number): number {
  return cell.random(`haystack/${repetition}`).int(cell.haystack.wordCount);
}
