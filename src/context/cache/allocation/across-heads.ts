/** Heads that compete for one total. */
import type { HeadScores } from "./allocation.ts";

/** Slots that may stay of all heads together, if `budget` may of each on average; never more than there are. */
export function totalOf(heads: readonly HeadScores[], budget: number): number {
  const slots = heads.reduce((sum, { scores }) => sum + scores.length, 0);
  return Math.min(slots, Math.round(budget * heads.length));
}

/** Slots of a head that the plan forces. */
export function forcedOf({ scores }: HeadScores): number {
  let count = 0;
  for (const score of scores) if (score === Number.POSITIVE_INFINITY) count++;
  return count;
}

/**
 * The `total` highest scores of all heads together and every forced slot, as indices for each head, ascending. Ties go to the
 * earlier position, and to the earlier head where positions are the same, so that equal scores spread over all heads.
 */
export function highestAcross(heads: readonly HeadScores[], total: number): Int32Array[] {
  const all = new Float32Array(heads.reduce((sum, { scores }) => sum + scores.length, 0));
  let filled = 0;
  for (const { scores } of heads) {
    all.set(scores, filled);
    filled += scores.length;
  }
  all.sort();
  const cut = total >= all.length ? Number.NEGATIVE_INFINITY : (all[all.length - total] ?? Number.POSITIVE_INFINITY);
  if (cut === Number.POSITIVE_INFINITY || cut === Number.NEGATIVE_INFINITY)
    return heads.map(({ scores }) => slotsWhere(scores, (slot) => scores[slot] >= cut));
  const tied: { head: number; slot: number; position: number }[] = [];
  let above = 0;
  heads.forEach(({ scores, positions }, head) => {
    for (let slot = 0; slot < scores.length; slot++) {
      if (scores[slot] > cut) above++;
      else if (scores[slot] === cut) tied.push({ head, slot, position: positions[slot] });
    }
  });
  tied.sort((a, b) => a.position - b.position || a.head - b.head);
  const chosen = heads.map(() => new Set<number>());
  for (const { head, slot } of tied.slice(0, total - above)) chosen[head].add(slot);
  return heads.map(({ scores }, head) => slotsWhere(scores, (slot) => scores[slot] > cut || chosen[head].has(slot)));
}

function slotsWhere(scores: Float32Array, isKept: (slot: number) => boolean): Int32Array {
  const kept: number[] = [];
  for (let slot = 0; slot < scores.length; slot++) if (isKept(slot)) kept.push(slot);
  return Int32Array.from(kept);
}
