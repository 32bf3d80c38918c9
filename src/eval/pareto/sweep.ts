/**
 * Quality against size for every score, allocation and budget on the same prompts. A prompt is read once; each plan drops
 * slots of a fork of it, so that plans differ in nothing but what they keep.
 */
import { type CachePlan, cacheSchema } from "../../context/cache/plan.ts";
import { type Choice, idOf } from "../../context/technique.ts";
import type { Engine } from "../../engine/types.ts";
import { InputError } from "../../runtime/errors.ts";
import { hasChat } from "../../tokenizer/chat-template.ts";
import type { KvQualitySample } from "../kv-quality/types.ts";
import { splitAtQuestion } from "../prompt.ts";
import { createRandom } from "../random.ts";
import type { Interval } from "../statistics/interval.ts";
import { meanInterval } from "../statistics/mean-interval.ts";
import { type FullAnswer, fullAnswer, readContext, readingOf, readOn, type Trial, tryPlan } from "./trial.ts";
import type { SweepOptions, SweepPlan, SweepResult, SweepRow } from "./types.ts";

const DEFAULT_STEPS = 48;

interface Candidate extends SweepPlan {
  cacheFor(tokens: number): CachePlan;
}

interface Outcome {
  readonly sample: KvQualitySample;
  readonly score: number;
}

export async function sweep(engine: Engine, options: SweepOptions): Promise<SweepResult> {
  const { samples, signal, steps = DEFAULT_STEPS, onProgress } = options;
  const { mode = hasChat(engine.tokenizer) ? "chat+prefill" : "raw" } = options;
  if (samples.length === 0) throw new InputError("pareto: expected at least one sample, got none. Give some tasks.");
  const candidates = candidatesOf(options);
  const outcomes = new Map(candidates.map((candidate) => [candidate, [] as (Outcome & Trial & { full: number })[]]));
  const full: Outcome[] = [];
  const total = samples.length * candidates.length;
  let done = 0;
  let tokens = 0;

  for (const sample of samples) {
    const prompt = splitAtQuestion(engine.tokenizer, sample.parts, mode);
    tokens += prompt.contextIds.length + prompt.restIds.length;
    const scoreOf = (output: string) => options.score(output, sample)?.score ?? 0;
    const cachesOf = (known: boolean, tokens: number) =>
      candidates.filter(({ questionKnown }) => questionKnown === known).map(({ cacheFor }) => cacheFor(tokens));
    const collect = options.questionKnown.flatMap((known) => cachesOf(known, prompt.contextIds.length));
    const context = await readContext(engine, prompt, collect, signal);
    try {
      for (const questionKnown of options.questionKnown) {
        const reading = readingOf(prompt, questionKnown);
        const base = await readOn(context, reading, signal);
        try {
          const limits = { maxTokens: sample.maxTokens, stop: sample.stop, signal };
          const answer: FullAnswer = await fullAnswer(base, reading, steps, limits);
          if (questionKnown === options.questionKnown[0]) full.push({ sample, score: scoreOf(answer.output) });
          const wanted = candidates.filter((candidate) => candidate.questionKnown === questionKnown);
          for (const candidate of wanted) {
            signal?.throwIfAborted();
            const cache = candidate.cacheFor(reading.readIds.length);
            const trial = await tryPlan(base, reading, cache, answer, limits);
            outcomes.get(candidate)?.push({ ...trial, sample, score: scoreOf(trial.output), full: answer.cacheBytes });
            onProgress?.(++done, total);
          }
        } finally {
          await base.dispose();
        }
      }
    } finally {
      await context.dispose();
    }
  }

  return {
    model: engine.model.name,
    mode,
    samples: samples.length,
    meanTokens: Math.round(tokens / samples.length),
    full: qualityOf(full),
    rows: candidates.map((candidate): SweepRow => {
      const trials = outcomes.get(candidate) ?? [];
      const stepsOfAll = trials.flatMap((trial) => trial.steps);
      const { score, allocation, share, questionKnown } = candidate;
      return {
        ...{ score, allocation, share, questionKnown },
        n: trials.length,
        ...qualityOf(trials),
        kl: mean(trials.map((trial) => mean(trial.steps.map(({ kl }) => kl)))),
        top1: mean(stepsOfAll.map(({ sameTop }) => Number(sameTop))),
        bytesShare: mean(trials.map((trial) => trial.cacheBytes / trial.full)),
        seconds: mean(trials.map((trial) => trial.seconds)),
      };
    }),
  };
}

function candidatesOf({
  scores,
  allocations,
  shares,
  questionKnown,
  sinks = 4,
  window = 64,
}: SweepOptions): Candidate[] {
  const each = (score: Choice, allocation: Choice, share: number, known: boolean): Candidate => ({
    ...{ score: nameOf(score), allocation: nameOf(allocation), share, questionKnown: known },
    cacheFor: (tokens) =>
      cacheSchema.parse({
        score,
        allocation,
        sinks,
        window,
        budget: Math.max(sinks + window, Math.floor(tokens * share)),
      }),
  });
  return questionKnown.flatMap((known) =>
    scores.flatMap((score) =>
      allocations.flatMap((allocation) => shares.map((share) => each(score, allocation, share, known))),
    ),
  );
}

/** Its id, and its options where they are not the usual ones. */
export function nameOf(choice: Choice): string {
  if (typeof choice === "string") return choice;
  const { method: _, ...options } = choice;
  const texts = Object.entries(options).map(
    ([key, value]) => `${key}=${typeof value === "object" ? JSON.stringify(value) : value}`,
  );
  return [idOf(choice), ...texts].join(" ");
}

function qualityOf(outcomes: readonly Outcome[]): {
  quality: number;
  interval: Interval;
  tasks: Record<string, number>;
} {
  const observations = outcomes.map(({ sample, score }) => ({ group: sample.group ?? sample.id, value: score }));
  const { mean: quality, interval } = meanInterval(observations, createRandom("pareto"));
  const ids = [...new Set(outcomes.map(({ sample }) => sample.task))];
  const ofTask = (id: string) => mean(outcomes.filter(({ sample }) => sample.task === id).map(({ score }) => score));
  return { quality, interval, tasks: Object.fromEntries(ids.map((id) => [id, ofTask(id)])) };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
