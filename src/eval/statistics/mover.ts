/**
 * Interval of a weighted sum of independent estimates out of their own intervals: MOVER, the method of variance
 * estimates recovery (Zou and Donner, 2008). Each end collects the squared distances to the ends of the parts, so a
 * macro mean over tasks keeps the skew of its cells, and cells at 0 or 1 still count with their doubt.
 */
import type { Interval } from "./interval.ts";

export interface Estimate {
  readonly weight: number;
  readonly value: number;
  readonly interval: Interval;
}

/** Sum of weight × value with its 95 % interval. */
export function weightedSum(estimates: readonly Estimate[]): { readonly value: number; readonly interval: Interval } {
  let value = 0;
  let below = 0;
  let above = 0;
  for (const { weight, value: part, interval } of estimates) {
    value += weight * part;
    const down = weight * Math.max(0, part - interval.low);
    const up = weight * Math.max(0, interval.high - part);
    below += (weight >= 0 ? down : up) ** 2;
    above += (weight >= 0 ? up : down) ** 2;
  }
  return { value, interval: { low: value - Math.sqrt(below), high: value + Math.sqrt(above) } };
}

/** Unweighted mean of independent estimates. */
export function meanOfEstimates(estimates: readonly Omit<Estimate, "weight">[]): ReturnType<typeof weightedSum> {
  return weightedSum(estimates.map((estimate) => ({ ...estimate, weight: 1 / estimates.length })));
}
