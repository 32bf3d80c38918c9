/**
 * Which interval a mean score gets: Wilson's for independent 0/1 scores, the clustered bootstrap for others.
 * The bootstrap knows only the spread that it sees, and says "no doubt at all" where groups are few or alike. There
 * Wilson's interval with the number of groups stands in: wide, as it should be.
 */
import type { Random } from "../types.ts";
import { bootstrap } from "./bootstrap.ts";
import type { Interval } from "./interval.ts";
import { groupSums, meanOfGroups, type Observation } from "./observation.ts";
import { wilson } from "./wilson.ts";

/** wilson: also for few or equal groups, with the number of groups. bootstrap: of groups, percentile. */
export type IntervalMethod = "wilson" | "bootstrap";

/** With fewer groups than this, their spread is a guess. */
export const fewestGroups = 5;

/** Mean of scores between 0 and 1 with its 95 % interval. */
export function meanInterval(
  observations: readonly Observation[],
  random: Random,
): { readonly mean: number; readonly interval: Interval; readonly method: IntervalMethod } {
  const groups = groupSums(observations);
  const mean = meanOfGroups(groups);
  const independent = groups.length === observations.length;
  const binary = observations.every(({ value }) => value === 0 || value === 1);
  const alike = groups.every(({ sum, count }) => sum / count === groups[0].sum / groups[0].count);
  if ((independent && binary) || alike || groups.length < fewestGroups)
    return { mean, interval: wilson(mean, groups.length), method: "wilson" };
  return { mean, interval: bootstrap(groups, meanOfGroups, random), method: "bootstrap" };
}
