/** How much of a text need not be read again by whoever holds another that begins alike. */

import { PAGE_SLOTS } from "../ops/attention.ts";

/** Tokens up to which a chunk is computed as steps, whose sums come in another order than those of a reading. */
export const MOST_STEPS = 8;
/** Tokens that are always read, so that an answer does not depend on what was shared. */
export const LEAST_REST = MOST_STEPS + 1;

/** Tokens of the next chunk of at most `most`, so that no short one is left of `tokens`: where a reading began must not show at its end. */
export function chunkFor(tokens: number, most: number): number {
  const rest = tokens - most;
  if (rest <= 0) return tokens;
  return rest < LEAST_REST && most > 2 * LEAST_REST ? tokens - LEAST_REST : most;
}

/** As chunkFor(), of a text whose blocks of 64 are read whole: behind `begin` tokens the chunk ends at a block's end, or at the text's. */
export function wholeBlocksFor(tokens: number, most: number, begin: number): number {
  const end = begin + chunkFor(tokens, most);
  const aligned = end - (end % PAGE_SLOTS) - begin;
  const chunk = aligned > 0 ? aligned : PAGE_SLOTS - (begin % PAGE_SLOTS);
  return tokens - chunk < LEAST_REST ? tokens : chunk;
}

/**
 * Tokens of a prompt that need not be read where `held` was. Of a prompt by whose end a plan has selected, that end is no part: what goes on
 * behind it would not select anew.
 */
export function sharedTokens(
  held: ArrayLike<number>,
  ids: ArrayLike<number>,
  { selects }: { selects: boolean },
): number {
  const most = selects ? held.length - 1 : held.length;
  return Math.max(0, Math.min(commonPrefix(held, ids), most, ids.length - LEAST_REST));
}

/** Tokens that both begin with. */
export function commonPrefix(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const end = Math.min(a.length, b.length);
  for (let i = 0; i < end; i++) if (a[i] !== b[i]) return i;
  return end;
}
