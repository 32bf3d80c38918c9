/**
 * Does the place of the answer matter? The U of "Lost in the Middle" (Liu et al., arXiv:2307.03172) in figures:
 * primacy and recency (first and last fifth against the middle one), the worst depth, a logistic curve with a
 * quadratic term, and a permutation test of any effect of depth.
 */
import type { Random } from "../types.ts";
import { bootstrap } from "./bootstrap.ts";
import { binOf, type DepthBin } from "./depth-bins.ts";
import { type Interval, z95 } from "./interval.ts";
import { logisticRegression } from "./logistic.ts";
import { fewestGroups } from "./mean-interval.ts";
import { weightedSum } from "./mover.ts";
import { grouped } from "./observation.ts";
import { wilson } from "./wilson.ts";

export interface PlacedScore {
  readonly score: number;
  /** 0 (beginning) to 1 (end). */
  readonly depth: number;
  readonly group: string;
  /** Only samples of the same length are exchangeable. */
  readonly length: number;
}

export interface PositionBias {
  readonly n: number;
  /** Mean score of the first fifth less that of the middle fifth. */
  readonly primacy: number;
  /** Mean score of the last fifth less that of the middle fifth. */
  readonly recency: number;
  /** (primacy + recency) / 2: above zero where the middle is lost. */
  readonly u: number;
  readonly uInterval: Interval;
  readonly worstBin: DepthBin & { readonly n: number; readonly score: number };
  /** 1 - (best bin - worst bin): 1 is even. */
  readonly uniformity: number;
  /** beta2 of logit p = beta0 + beta1 z + beta2 z², z = 2 depth - 1; absent where the fit has no maximum. */
  readonly curvature?: number;
  readonly curvatureInterval?: Interval;
  /** Permutation test of any effect of depth. */
  readonly p: number;
}

const permutations = 2000;

/** Undefined where first, middle or last fifth has no sample. */
export function positionBias(
  samples: readonly PlacedScore[],
  bins: readonly DepthBin[],
  random: Random,
): PositionBias | undefined {
  const groups = grouped(samples).map(fifths);
  const { primacy, recency, u } = shape(groups);
  if (Number.isNaN(u)) return undefined;
  const binned = bins
    .map((bin, i) => {
      const scores = samples.filter(({ depth }) => binOf(bins, depth) === i).map(({ score }) => score);
      return { ...bin, n: scores.length, score: scores.reduce((sum, score) => sum + score, 0) / scores.length };
    })
    .filter(({ n }) => n > 0);
  const worstBin = binned.reduce((worst, bin) => (bin.score < worst.score ? bin : worst));
  const best = Math.max(...binned.map(({ score }) => score));
  return {
    n: samples.length,
    primacy,
    recency,
    u,
    uInterval: uInterval(groups, random.fork("u")),
    worstBin,
    uniformity: 1 - (best - worstBin.score),
    ...curvature(samples),
    p: permutationTest(samples, bins, random.fork("permutation")),
  };
}

interface Fifths {
  readonly first: readonly [sum: number, count: number];
  readonly middle: readonly [sum: number, count: number];
  readonly last: readonly [sum: number, count: number];
}

function fifths(samples: readonly PlacedScore[]): Fifths {
  const within = (low: number, high: number): [number, number] => {
    const inside = samples.filter(({ depth }) => depth >= low - 1e-9 && depth <= high + 1e-9);
    return [inside.reduce((sum, { score }) => sum + score, 0), inside.length];
  };
  return { first: within(0, 0.2), middle: within(0.4, 0.6), last: within(0.8, 1) };
}

/** NaN where a fifth is empty. */
function shape(groups: readonly Fifths[]): Pick<PositionBias, "primacy" | "recency" | "u"> {
  const meanOf = (fifth: keyof Fifths) => {
    let sum = 0;
    let count = 0;
    for (const group of groups) {
      sum += group[fifth][0];
      count += group[fifth][1];
    }
    return sum / count;
  };
  const middle = meanOf("middle");
  const primacy = meanOf("first") - middle;
  const recency = meanOf("last") - middle;
  return { primacy, recency, u: (primacy + recency) / 2 };
}

/** The bootstrap's, or where it would see no spread (few groups, scores all alike), that of three Wilson intervals. */
function uInterval(groups: readonly Fifths[], random: Random): Interval {
  const total = (fifth: keyof Fifths) => groups.reduce((sum, group) => sum + group[fifth][0], 0);
  const count = (fifth: keyof Fifths) => groups.reduce((sum, group) => sum + group[fifth][1], 0);
  const parts = (["first", "middle", "last"] as const).map((fifth) => {
    const value = total(fifth) / count(fifth);
    const filled = groups.filter((group) => group[fifth][1] > 0).length;
    return { value, interval: wilson(value, filled), weight: fifth === "middle" ? -1 : 0.5 };
  });
  const alike = parts.every(({ value }) => value === 0) || parts.every(({ value }) => value === 1);
  if (alike || groups.length < fewestGroups) return weightedSum(parts).interval;
  return bootstrap(groups, (resample) => shape(resample).u, random);
}

function curvature(samples: readonly PlacedScore[]): Pick<PositionBias, "curvature" | "curvatureInterval"> {
  const fit = logisticRegression(
    samples.map(({ score, depth, group }) => {
      const z = 2 * depth - 1;
      return { x: [1, z, z ** 2], y: score, group };
    }),
  );
  if (fit === undefined) return {};
  const beta = fit.coefficients[2];
  const half = z95 * fit.standardErrors[2];
  return { curvature: beta, curvatureInterval: { low: beta - half, high: beta + half } };
}

/** Shuffles scores among samples of the same length; the statistic is the spread between bins, Σ sum² / n. */
function permutationTest(samples: readonly PlacedScore[], bins: readonly DepthBin[], random: Random): number {
  const counts = new Array<number>(bins.length).fill(0);
  const strata = [...new Set(samples.map(({ length }) => length))].map((length) => {
    const members = samples.filter((sample) => sample.length === length);
    const places = members.map(({ depth }) => binOf(bins, depth));
    for (const place of places) counts[place]++;
    return { places, scores: members.map(({ score }) => score) };
  });
  const spread = () => {
    const sums = new Array<number>(bins.length).fill(0);
    for (const { places, scores } of strata) for (let i = 0; i < places.length; i++) sums[places[i]] += scores[i];
    return sums.reduce((total, sum, bin) => total + (counts[bin] > 0 ? sum ** 2 / counts[bin] : 0), 0);
  };
  const observed = spread() * (1 - 1e-9);
  let reached = 0;
  for (let round = 0; round < permutations; round++) {
    for (const { scores } of strata)
      for (let i = scores.length - 1; i > 0; i--) {
        const j = random.int(i + 1);
        [scores[i], scores[j]] = [scores[j], scores[i]];
      }
    if (spread() >= observed) reached++;
  }
  return (reached + 1) / (permutations + 1);
}
