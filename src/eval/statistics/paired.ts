/** Two systems on the same samples: the difference with its interval, tests of "no difference", and many at once. */
import type { Random } from "../types.ts";
import { bootstrap } from "./bootstrap.ts";
import type { Interval } from "./interval.ts";
import { fewestGroups } from "./mean-interval.ts";
import { groupSums, meanOfGroups, type Observation } from "./observation.ts";
import { wilson } from "./wilson.ts";

/**
 * Mean of paired differences (each from -1 to 1) with its 95 % interval: bootstrap over groups.
 * Where all groups differ by the same, at most a share w (Wilson's upper end for none of the groups) can be otherwise,
 * by -1 to 1: so far the mean may move. With fewer than five groups that bound widens the bootstrap's interval.
 */
export function pairedDifference(
  differences: readonly Observation[],
  random: Random,
): { readonly mean: number; readonly interval: Interval } {
  const groups = groupSums(differences);
  const mean = meanOfGroups(groups);
  const alike = groups.every(({ sum, count }) => sum / count === groups[0].sum / groups[0].count);
  const seen = alike ? { low: mean, high: mean } : bootstrap(groups, meanOfGroups, random);
  if (!alike && groups.length >= fewestGroups) return { mean, interval: seen };
  const unseen = wilson(0, groups.length).high;
  return {
    mean,
    interval: { low: seen.low * (1 - unseen) - unseen, high: seen.high * (1 - unseen) + unseen },
  };
}

/**
 * Exact McNemar test: two-sided p that `wins` and `losses` of independent 0/1 pairs come from a fair coin.
 * 2 P(X <= min(wins, losses)), X binomial with n = wins + losses and 1/2; at most 1.
 */
export function mcnemar(wins: number, losses: number): number {
  const n = wins + losses;
  let logTerm = -n * Math.LN2;
  let tail = 0;
  for (let k = 0; k <= Math.min(wins, losses); k++) {
    if (k > 0) logTerm += Math.log((n - k + 1) / k);
    tail += Math.exp(logTerm);
  }
  return Math.min(1, 2 * tail);
}

/** Up to this many contributions, all 2^n signs are tried; beyond, as many random ones as make small p visible to Holm. */
const mostExact = 13;
const flips = 10_000;

/**
 * Permutation test: two-sided p of a sum of independent contributions, if each might as well have the other sign.
 * Contributions are the groups' shares of a mean difference; zeros change nothing.
 */
export function signFlip(contributions: readonly number[], random: Random): number {
  const parts = contributions.filter((part) => part !== 0);
  // Sums that are equal but for rounding count as equal.
  const rounding = 1e-12 * parts.reduce((sum, part) => sum + Math.abs(part), 0);
  const observed = Math.abs(parts.reduce((sum, part) => sum + part, 0)) - rounding;
  let reached = 0;
  if (parts.length <= mostExact) {
    const patterns = 2 ** parts.length;
    for (let pattern = 0; pattern < patterns; pattern++) {
      const sum = parts.reduce((total, part, i) => total + ((pattern >> i) & 1 ? part : -part), 0);
      if (Math.abs(sum) >= observed) reached++;
    }
    return reached / patterns;
  }
  for (let round = 0; round < flips; round++) {
    let sum = 0;
    for (const part of parts) sum += random.int(2) ? part : -part;
    if (Math.abs(sum) >= observed) reached++;
  }
  return (reached + 1) / (flips + 1);
}

/** Holm's step-down correction (1979): p values adjusted for there being many, in the order given. */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((i, j) => pValues[i] - pValues[j]);
  const adjusted = new Array<number>(pValues.length);
  let highest = 0;
  order.forEach((i, rank) => {
    highest = Math.max(highest, Math.min(1, pValues[i] * (pValues.length - rank)));
    adjusted[i] = highest;
  });
  return adjusted;
}
