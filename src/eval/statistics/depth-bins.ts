/** Rows of a heat map: the fixed depths that a task sweeps, or tenths of the context where depths lie anywhere. */

/** Depths from `low` to `high`; both are the same where the samples stand at a few fixed depths. */
export interface DepthBin {
  readonly low: number;
  readonly high: number;
}

/** More different depths than this are put into tenths. Eleven is the common grid of 0, 10, … 100 %. */
const mostFixed = 12;
const tenths = 10;

/** Bins for depths from 0 to 1, from the beginning to the end. Depths are taken to a hundredth. */
export function depthBins(depths: readonly number[]): DepthBin[] {
  const fixed = [...new Set(depths.map((depth) => Math.round(depth * 100)))].sort((a, b) => a - b);
  if (fixed.length <= mostFixed) return fixed.map((percent) => ({ low: percent / 100, high: percent / 100 }));
  return Array.from({ length: tenths }, (_, i) => ({ low: i / tenths, high: (i + 1) / tenths }));
}

/** Index of the bin of a depth that the bins were made for. */
export function binOf(bins: readonly DepthBin[], depth: number): number {
  if (bins[0].low === bins[0].high) return bins.findIndex(({ low }) => low === Math.round(depth * 100) / 100);
  return Math.min(tenths - 1, Math.floor(depth * tenths + 1e-9));
}
