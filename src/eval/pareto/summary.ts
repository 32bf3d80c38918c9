/** From samples that were tried to the figures of each plan. */
import { createRandom } from "../random.ts";
import { meanInterval } from "../statistics/mean-interval.ts";
import type { PromptMode } from "../types.ts";
import type { SweepPlan, SweepResult, SweepRow, TriedSample } from "./types.ts";

export function summarize(
  about: { model: string; mode: PromptMode },
  plans: readonly SweepPlan[],
  tried: readonly TriedSample[],
): SweepResult {
  return {
    ...about,
    samples: tried.length,
    meanTokens: Math.round(mean(tried.map(({ tokens }) => tokens))),
    full: qualityOf(tried.map(({ group, task, full }) => ({ group, task, value: full }))),
    rows: plans.map((plan) => rowOf(plan, tried)),
    tried,
  };
}

function rowOf(plan: SweepPlan, tried: readonly TriedSample[]): SweepRow {
  const own = tried.flatMap(({ group, task, trials }) =>
    trials.filter(isOf(plan)).map((trial) => ({ ...trial, group, task, value: trial.quality })),
  );
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const { score, allocation, share, questionKnown } = plan;
  return {
    ...{ score, allocation, share, questionKnown },
    n: own.length,
    ...qualityOf(own),
    kl: mean(own.map(({ kl }) => kl)),
    top1: sum(own.map(({ sameTop }) => sameTop)) / Math.max(1, sum(own.map(({ steps }) => steps))),
    bytesShare: mean(own.map(({ bytesShare }) => bytesShare)),
    seconds: mean(own.map(({ seconds }) => seconds)),
  };
}

export function isOf(plan: SweepPlan): (other: SweepPlan) => boolean {
  return ({ score, allocation, share, questionKnown }) =>
    score === plan.score &&
    allocation === plan.allocation &&
    share === plan.share &&
    questionKnown === plan.questionKnown;
}

interface Outcome {
  readonly group: string;
  readonly task: string;
  readonly value: number;
}

function qualityOf(outcomes: readonly Outcome[]): SweepResult["full"] {
  const { mean: quality, interval } = meanInterval(outcomes, createRandom("pareto"));
  const ids = [...new Set(outcomes.map(({ task }) => task))];
  const ofTask = (id: string) => mean(outcomes.filter(({ task }) => task === id).map(({ value }) => value));
  return { quality, interval, tasks: Object.fromEntries(ids.map((id) => [id, ofTask(id)])) };
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
