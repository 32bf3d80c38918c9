/**
 * Wilson's score interval for a share (E. B. Wilson, 1927): centre (p + z²/2n) / (1 + z²/n),
 * half width z √(p(1-p)/n + z²/4n²) / (1 + z²/n). Never empty, never outside of 0 to 1, good from small n on.
 */
import { type Interval, z95 } from "./interval.ts";

/**
 * 95 % interval of a share among n independent samples. A mean of scores between 0 and 1 may stand for the share:
 * its variance is at most p(1-p), so the interval is then rather too wide.
 */
export function wilson(share: number, n: number): Interval {
  const scale = 1 + z95 ** 2 / n;
  const centre = (share + z95 ** 2 / (2 * n)) / scale;
  const half = (z95 * Math.sqrt((share * (1 - share)) / n + z95 ** 2 / (4 * n ** 2))) / scale;
  return { low: share === 0 ? 0 : Math.max(0, centre - half), high: share === 1 ? 1 : Math.min(1, centre + half) };
}
