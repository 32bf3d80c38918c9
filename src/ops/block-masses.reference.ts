/** The definition of block-masses.ts in f64. */
import type { AttentionInputs } from "./attention.reference.ts";
import { type AttentionShape, PAGE_SLOTS } from "./attention.ts";

/** Of 64 queries, the last of which stand on page `pages − 1`: the share that a KV head's query heads give each page, in the mean. */
export function blockMassesReference(
  { k, q }: Pick<AttentionInputs, "k" | "q">,
  { numHeads, numKvHeads, headDim: D, scale }: AttentionShape,
  kvHead: number,
  { pages, stride: S }: { pages: number; stride: number },
): Float64Array {
  const masses = new Float64Array(pages);
  const group = numHeads / numKvHeads;
  const runs = PAGE_SLOTS / S;
  for (let head = kvHead * group; head < (kvHead + 1) * group; head++)
    for (let r = 1; r < runs; r += 2) {
      const seen = (pages - 1) * runs + r + 1;
      const scores = Float64Array.from({ length: seen }, (_, other) => {
        let sum = 0;
        for (let t = 0; t < S; t++) {
          const [query, key] = [((r + 1) * S - 1 - t) * numHeads + head, (other * S + t) * numKvHeads + kvHead];
          for (let c = 0; c < D; c++) sum += q[query * D + c] * k[key * D + c];
        }
        return (scale * sum) / S;
      });
      const highest = scores.reduce((most, score) => Math.max(most, score));
      const weights = scores.map((score) => Math.exp(score - highest));
      const total = weights.reduce((sum, weight) => sum + weight);
      weights.forEach((weight, other) => {
        masses[Math.floor(other / runs)] += weight / total / (runs / 2) / group;
      });
    }
  return masses;
}

/** The same where tokens 7, 23, 39 and 55 of the 64 queries stand for all of them, each with the keys up to its own. */
export function rowMassesReference(
  { k, q }: Pick<AttentionInputs, "k" | "q">,
  { numHeads, numKvHeads, headDim: D, scale }: AttentionShape,
  kvHead: number,
  pages: number,
): Float64Array {
  const masses = new Float64Array(pages);
  const group = numHeads / numKvHeads;
  const asked = [7, 23, 39, 55];
  for (let head = kvHead * group; head < (kvHead + 1) * group; head++)
    for (const token of asked) {
      const seen = (pages - 1) * PAGE_SLOTS + token + 1;
      const scores = Float64Array.from({ length: seen }, (_, key) => {
        let sum = 0;
        for (let c = 0; c < D; c++)
          sum += q[(token * numHeads + head) * D + c] * k[(key * numKvHeads + kvHead) * D + c];
        return scale * sum;
      });
      const highest = scores.reduce((most, score) => Math.max(most, score));
      const weights = scores.map((score) => Math.exp(score - highest));
      const total = weights.reduce((sum, weight) => sum + weight);
      weights.forEach((weight, key) => {
        masses[Math.floor(key / PAGE_SLOTS)] += weight / total / asked.length / group;
      });
    }
  return masses;
}
