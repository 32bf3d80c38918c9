/** Indices of the `count` highest scores, ascending; ties go to the earlier index. */
export function highest(scores: Float32Array, count: number): Int32Array {
  if (count >= scores.length) return Int32Array.from(scores, (_, slot) => slot);
  const cut = Float32Array.from(scores).sort()[scores.length - Math.max(0, count)] ?? Number.POSITIVE_INFINITY;
  let atCut = count;
  for (const score of scores) if (score > cut) atCut--;
  const kept = new Int32Array(Math.max(0, count));
  let n = 0;
  for (let slot = 0; slot < scores.length && n < kept.length; slot++)
    if (scores[slot] > cut || (scores[slot] === cut && atCut-- > 0)) kept[n++] = slot;
  return kept;
}
