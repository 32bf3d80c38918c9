/** Score by length and depth of one task, and what its place does to an answer. */
import { createRandom } from "../random.ts";
import { binOf, type DepthBin, depthBins } from "../statistics/depth-bins.ts";
import { meanInterval } from "../statistics/mean-interval.ts";
import { type PositionBias, positionBias } from "../statistics/position-bias.ts";
import type { Row } from "../types.ts";
import { distinct } from "./rows.ts";
import type { DepthCell, DepthTable } from "./types.ts";

/** Nothing where no row has a depth. */
export function depthsOf(rows: readonly Row[]): { depths?: DepthTable; positionBias?: PositionBias } {
  const placed = rows.flatMap((row) => (row.depth === undefined ? [] : [{ ...row, depth: row.depth }]));
  if (placed.length === 0) return {};
  const { task } = placed[0];
  const bins = depthBins(placed.map(({ depth }) => depth));
  const bias = positionBias(
    placed.map(({ score, depth, length, group }) => ({ score, depth, length, group: `${length}/${group}` })),
    bins,
    createRandom("summary", task, "position bias"),
  );
  return { depths: depthTable(placed, bins), ...(bias && { positionBias: bias }) };
}

function depthTable(rows: readonly (Row & { readonly depth: number })[], bins: readonly DepthBin[]): DepthTable {
  const lengths = distinct(rows.map(({ length }) => length)).sort((a, b) => a - b);
  const cell = (bin: number, length: number): DepthCell => {
    const inside = rows.filter((row) => row.length === length && binOf(bins, row.depth) === bin);
    if (inside.length === 0) return { n: 0 };
    const { mean: score, interval } = meanInterval(
      inside.map(({ score, group }) => ({ value: score, group })),
      createRandom("summary", inside[0].task, length, "depth", bin),
    );
    return { n: inside.length, score, interval };
  };
  return { lengths, bins, cells: bins.map((_, bin) => lengths.map((length) => cell(bin, length))) };
}
