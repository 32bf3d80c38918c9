/**
 * Means over tokens or steps that come in clusters (documents, contexts): the ratio Σ sums / Σ weights.
 *
 * 95 % interval by linearisation, clusters being what was drawn: with e_g = sum_g − ratio · weight_g and G clusters,
 *   SE = √(G/(G−1) · Σ e_g²) / Σ weight_g,   ratio ± t(G−1) · SE
 * (Cochran, Sampling Techniques, section 6.3). Tokens of one document are never counted as independent.
 */
import type { Interval } from "../statistics/interval.ts";

export interface Cluster {
  readonly sum: number;
  readonly weight: number;
}

export interface Ratio {
  readonly value: number;
  /** Absent where one cluster is all there is. */
  readonly interval?: Interval;
}

export function ratioOf(clusters: readonly Cluster[]): Ratio {
  const sum = clusters.reduce((total, cluster) => total + cluster.sum, 0);
  const weight = clusters.reduce((total, cluster) => total + cluster.weight, 0);
  const value = sum / weight;
  const count = clusters.length;
  if (count < 2) return { value };
  const squares = clusters.reduce((total, cluster) => total + (cluster.sum - value * cluster.weight) ** 2, 0);
  const half = (studentT(count - 1) * Math.sqrt((squares * count) / (count - 1))) / weight;
  return { value, interval: { low: value - half, high: value + half } };
}

/** Quantile 0.975 of Student's t with 1 to 30 degrees of freedom. */
const quantiles = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11,
  2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/** The same for any number of degrees of freedom; above 30 within 0.003. */
export function studentT(degrees: number): number {
  return quantiles[degrees - 1] ?? 1.96 + 2.4 / degrees;
}
