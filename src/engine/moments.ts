/** Mean and covariance from sums. */
import type { QueryStatistics } from "../context/cache/score/score.ts";

/** Sums over queries and keys before RoPE: those of a text's first 4 tokens are left out. */
export interface Moments {
  /** Tokens summed over. */
  readonly count: number;
  /** f64 [numHeads][headDim] */
  readonly queries: Float64Array;
  /** f64 [numKvHeads][headDim] */
  readonly keys: Float64Array;
  /** Sum of q·qᵀ: f64 [numHeads][headDim][headDim], of row i only the columns j ≥ i. */
  readonly products: Float64Array;
}

/** Of one head's queries; zeros if there were none. */
export function queryStatisticsOf(
  { count, queries, products: all }: Omit<Moments, "keys">,
  headDim: number,
  head: number,
): QueryStatistics {
  const mean = queries.slice(head * headDim, (head + 1) * headDim).map((sum) => sum / Math.max(1, count));
  const products = all.subarray(head * headDim * headDim);
  const covariance = new Float64Array(headDim * headDim);
  for (let i = 0; i < headDim; i++)
    for (let j = i; j < headDim; j++) {
      const value = products[i * headDim + j] / Math.max(1, count) - mean[i] * mean[j];
      covariance[i * headDim + j] = value;
      covariance[j * headDim + i] = value;
    }
  return { count, mean, covariance };
}
