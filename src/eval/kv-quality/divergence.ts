/**
 * How far a plan's predictions are from the reference's, step by step along the same tokens, in nats and f64:
 *   KL = Σ p_ref (ln p_ref − ln p)      Δp = p(t) − p_ref(t)      ΔNLL = ln p_ref(t) − ln p(t)
 * with t the token that comes next. The figures are those of llama.cpp's --kl-divergence.
 */
import { argmax } from "../../engine/sampler.ts";
import { type Cluster, ratioOf } from "../perplexity/ratio.ts";
import { createRandom } from "../random.ts";
import { quantile } from "../statistics/bootstrap.ts";
import type { Interval } from "../statistics/interval.ts";
import { meanInterval } from "../statistics/mean-interval.ts";
import { grouped } from "../statistics/observation.ts";

export interface Step {
  readonly kl: number;
  /** Both have the same most likely token. */
  readonly sameTop: boolean;
  readonly deltaP: number;
  readonly deltaNll: number;
}

/** From two rows of logits over the same vocabulary. */
export function compareStep(reference: Float32Array, plan: Float32Array, target: number): Step {
  const referenceNorm = logSumExp(reference);
  const planNorm = logSumExp(plan);
  let kl = 0;
  for (let id = 0; id < reference.length; id++) {
    const logP = reference[id] - referenceNorm;
    kl += Math.exp(logP) * (logP - (plan[id] - planNorm));
  }
  const logP = reference[target] - referenceNorm;
  const logQ = plan[target] - planNorm;
  return {
    kl: Math.max(0, kl), // rounding may leave −1e-17
    sameTop: argmax(reference) === argmax(plan),
    deltaP: Math.exp(logQ) - Math.exp(logP),
    deltaNll: logP - logQ,
  };
}

function logSumExp(logits: Float32Array): number {
  const largest = logits[argmax(logits)];
  let sum = 0;
  for (let id = 0; id < logits.length; id++) sum += Math.exp(logits[id] - largest);
  return largest + Math.log(sum);
}

export interface Divergence {
  readonly steps: number;
  /** Nats a step. */
  readonly kl: Distribution;
  /** Share of steps with the same most likely token. */
  readonly top1: Mean;
  /** Change of the next token's probability: above zero where the plan finds it likelier. */
  readonly deltaP: Mean & { readonly rootMeanSquare: number };
  /** Nats a token: above zero where the plan predicts worse. */
  readonly deltaNll: Mean;
  /** exp of the mean ΔNLL: perplexity with the plan over that of the reference. */
  readonly perplexityRatio: number;
}

export interface Mean {
  readonly mean: number;
  /** 95 %, over groups of prompts. Absent for one group, unless the mean is a share. */
  readonly interval?: Interval;
}

export interface Distribution extends Mean {
  readonly median: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Steps of prompts with the same group (a shared context) are one cluster. Absent where there are no steps. */
export function divergenceOf(
  prompts: readonly { readonly group: string; readonly steps: readonly Step[] }[],
): Divergence | undefined {
  const all = prompts.flatMap(({ steps }) => steps);
  if (all.length === 0) return undefined;
  const clusters = grouped(prompts)
    .map((group) => group.flatMap(({ steps }) => steps))
    .filter((steps) => steps.length > 0);
  const meanOf = (figure: (step: Step) => number): Mean => {
    const sums = clusters.map((steps): Cluster => {
      return { sum: steps.reduce((sum, step) => sum + figure(step), 0), weight: steps.length };
    });
    const { value, interval } = ratioOf(sums);
    return { mean: value, ...(interval && { interval }) };
  };
  const sorted = all.map(({ kl }) => kl).sort((a, b) => a - b);
  const deltaNll = meanOf((step) => step.deltaNll);
  const agreements = prompts.flatMap(({ group, steps }) =>
    steps.map(({ sameTop }) => ({ group, value: Number(sameTop) })),
  );
  const top1 = meanInterval(agreements, createRandom("kv-quality", "top-1"));
  return {
    steps: all.length,
    kl: {
      ...meanOf((step) => step.kl),
      median: quantile(sorted, 0.5),
      p90: quantile(sorted, 0.9),
      p95: quantile(sorted, 0.95),
      p99: quantile(sorted, 0.99),
      max: quantile(sorted, 1),
    },
    top1: { mean: top1.mean, interval: top1.interval },
    deltaP: { ...meanOf((step) => step.deltaP), rootMeanSquare: Math.sqrt(meanOf((step) => step.deltaP ** 2).mean) },
    deltaNll,
    perplexityRatio: Math.exp(deltaNll.mean),
  };
}
