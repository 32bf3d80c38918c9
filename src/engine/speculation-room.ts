/** How many tokens can be computed ahead and, where they turn out wrong, be taken back with nothing lost. */
import { PAGE_SLOTS } from "../ops/attention.ts";
import type { LayerShape } from "./layer-shapes.ts";

/** Tokens that are guessed at least: to compute one beside another takes longer than to compute one after the other. */
export const LEAST_DRAFTED = 2;

/**
 * Rows that may follow `length` tokens: at least one, which is the token that is known. A page that becomes full is sealed, and
 * one that leaves a sliding window is given back; a cut undoes neither, so both are left to the first row.
 */
export function rowsAhead(length: number, shapes: readonly Pick<LayerShape, "window">[]): number {
  const untilSealed = PAGE_SLOTS - 1 - (length % PAGE_SLOTS);
  const untilGone = shapes.map(({ window }) => {
    const oldest = length + 1 - window;
    return window > 0 && oldest >= 0 ? PAGE_SLOTS - (oldest % PAGE_SLOTS) : Number.POSITIVE_INFINITY;
  });
  return Math.max(1, Math.min(untilSealed, ...untilGone));
}
