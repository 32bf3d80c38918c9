/**
 * CriticalKV: of two slots with the same attention the one whose value changes the output more is kept. The `share` of the budget
 * that the base scores highest stays as it is; the rest is ranked by (base + ε) · mean over the query heads of ‖W_o v_j‖₁.
 *
 * Feng et al. 2025, arXiv 2502.03805; kvpress CriticalKVPress. There the first stage is infinite; here it lies above the second
 * in the order of the base, since infinite means forced by the plan. Bases with scores below zero are lifted to zero first,
 * so that a greater value is always worth more. With `expected-attention` set its `valueNorm` to false: one norm is enough.
 */
import { z } from "zod";
import { TechniqueRegistry, techniqueOptions } from "../../technique.ts";
import { highest } from "../allocation/highest.ts";
import { attentionSum } from "./attention-sum.ts";
import { expectedAttention } from "./expected-attention.ts";
import { keyDiff } from "./key-diff.ts";
import { keyNorm } from "./key-norm.ts";
import { lagKv } from "./lag-kv.ts";
import { type CacheScore, defineScore, type LayerView } from "./score.ts";
import { snapkv } from "./snapkv.ts";
import { tova } from "./tova.ts";

const bases = new TechniqueRegistry<CacheScore>("cache.score.base", [
  snapkv,
  tova,
  attentionSum,
  expectedAttention,
  keyNorm,
  keyDiff,
  lagKv,
] as unknown as CacheScore[]);

export const valueAware = defineScore({
  id: "value-aware",
  summary: "another score, weighted by how much the slot's value changes the output",
  source: "Feng et al. 2025, arXiv 2502.03805; kvpress CriticalKVPress",
  options: techniqueOptions("value-aware", {
    base: bases.choice.default("snapkv"),
    /** Of the budget: what the base alone decides. */
    share: z.number().min(0).max(1).default(0.5),
    epsilon: z.number().min(0).default(1e-4),
  }),
  needs({ base }) {
    const { technique, options } = bases.chosen(base);
    return technique.needs?.(options) ?? {};
  },
  score(view, { base, share, epsilon }) {
    const { technique, options } = bases.chosen(base);
    const scores = technique.score(view, options);
    const { low } = extremes(scores);
    const lift = Math.max(0, -low);
    const weighted = scores.map((row, kvHead) => {
      const norms = outputNorms(view, kvHead);
      return row.map((score, slot) => (score + lift + epsilon) * norms[slot]);
    });
    return raiseFirstStage(weighted, scores, Math.trunc(view.budget * share));
  },
});

/** Mean over the group of ‖W_o v_j‖₁: [slots] */
function outputNorms(view: LayerView, kvHead: number): Float64Array {
  const groupSize = view.numHeads / view.numKvHeads;
  const mean = new Float64Array(view.positions(kvHead).length);
  for (let head = kvHead * groupSize; head < (kvHead + 1) * groupSize; head++) {
    const norms = view.projected(kvHead, "values", view.outputWeight(head), 1);
    for (let slot = 0; slot < mean.length; slot++) mean[slot] += norms[slot] / groupSize;
  }
  return mean;
}

/** The `count` highest of each head's base go above all other slots of the layer, in the order of the base. */
function raiseFirstStage(weighted: Float32Array[], base: readonly Float32Array[], count: number): Float32Array[] {
  const top = Math.max(1, extremes(weighted).high);
  const { low, high } = extremes(base);
  base.forEach((row, kvHead) => {
    for (const slot of highest(row, count)) weighted[kvHead][slot] = top * (2 + (row[slot] - low) / (high - low || 1));
  });
  return weighted;
}

function extremes(rows: readonly Float32Array[]): { low: number; high: number } {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const row of rows)
    for (const score of row) {
      low = Math.min(low, score);
      high = Math.max(high, score);
    }
  return { low, high };
}
