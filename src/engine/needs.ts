/** What the scores of cache plans need to be gathered while a text is read. */
import { type CachePlan, droppingOf } from "../context/cache/plan.ts";
import { cacheScores } from "../context/cache/score/registry.ts";
import type { ScoreNeeds } from "../context/cache/score/score.ts";

/** What all these plans need together. */
export function needsOf(plans: readonly CachePlan[]): Required<Omit<ScoreNeeds, "calibration">> {
  const needs = plans.flatMap((plan) => {
    const dropping = droppingOf(plan);
    if (!dropping) return [];
    const { technique, options } = cacheScores.chosen(dropping.score);
    return [technique.needs?.(options) ?? {}];
  });
  const some = (key: "statistics" | "attentionSums" | "secondReading") => needs.some((need) => need[key] === true);
  return {
    queries: Math.max(0, ...needs.map((need) => need.queries ?? 0)),
    statistics: some("statistics"),
    attentionSums: some("attentionSums"),
    secondReading: some("secondReading"),
  };
}
