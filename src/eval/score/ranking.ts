/**
 * Rankings of documents by id. DCG@k = Σ relevance / log2(rank + 1) (Järvelin and Kekäläinen 2002, gains linear as in
 * trec_eval); nDCG divides by the best order's.
 */

/** Ids of the longest chain "3 > 1 > 2" in the output, as HELMET reads it, each once; brackets, colons and "ID" fall away. */
export function rankingOf(output: string): string[] {
  const text = output
    .replace(/[[\]:]/g, "")
    .toLowerCase()
    .replaceAll("id", "");
  let longest = "";
  for (const [chain] of text.matchAll(/\d+(?:\s*>\s*\d+)*/g)) if (chain.length > longest.length) longest = chain;
  return [...new Set(longest.split(">").map((id) => id.trim()))].filter((id) => id !== "");
}

/** From 0 to 1; 0 if nothing is relevant. Ids without a relevance count 0. */
export function ndcg(ranking: readonly string[], relevance: ReadonlyMap<string, number>, k: number): number {
  const gain = (values: readonly number[]) =>
    values.slice(0, k).reduce((sum, value, rank) => sum + value / Math.log2(rank + 2), 0);
  const best = gain([...relevance.values()].sort((a, b) => b - a));
  return best === 0 ? 0 : gain(ranking.map((id) => relevance.get(id) ?? 0)) / best;
}
