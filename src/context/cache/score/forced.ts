/**
 * Slots that a method always keeps, in the way of kvpress: they score one more than the highest score of the layer. Finite, so
 * that a later stage (CriticalKV's) can still weigh them.
 */

/** `scores` [KV heads] of [slots], in place: slots for which `isForced` holds get the highest score of all the others + 1. */
export function raiseForced(
  scores: Float32Array[],
  isForced: (kvHead: number, slot: number) => boolean,
): Float32Array[] {
  let most = Number.NEGATIVE_INFINITY;
  scores.forEach((row, kvHead) => {
    for (let slot = 0; slot < row.length; slot++) if (!isForced(kvHead, slot) && row[slot] > most) most = row[slot];
  });
  const raised = most === Number.NEGATIVE_INFINITY ? 1 : most + 1;
  scores.forEach((row, kvHead) => {
    for (let slot = 0; slot < row.length; slot++) if (isForced(kvHead, slot)) row[slot] = raised;
  });
  return scores;
}
