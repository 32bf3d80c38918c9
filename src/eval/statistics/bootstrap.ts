/**
 * The percentile bootstrap over groups (Efron, 1979; clustered: whole groups are drawn with replacement).
 * Seeded, so a report of the same rows always shows the same intervals.
 */
import type { Random } from "../types.ts";
import type { Interval } from "./interval.ts";

export const defaultResamples = 2000;

/**
 * 95 % interval of a statistic of groups. Resamples in which the statistic has no value (NaN) are passed over.
 * `resample` is overwritten from call to call.
 */
export function bootstrap<T>(
  groups: readonly T[],
  statistic: (resample: readonly T[]) => number,
  random: Random,
  resamples = defaultResamples,
): Interval {
  const resample = [...groups];
  const values: number[] = [];
  for (let round = 0; round < resamples; round++) {
    for (let i = 0; i < groups.length; i++) resample[i] = groups[random.int(groups.length)];
    const value = statistic(resample);
    if (!Number.isNaN(value)) values.push(value);
  }
  values.sort((a, b) => a - b);
  return { low: quantile(values, 0.025), high: quantile(values, 0.975) };
}

/** Of ascending values, linear between them: type 7 of Hyndman and Fan, the default of R and NumPy. */
export function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}
