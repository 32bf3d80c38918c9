/**
 * What a plan costs in quality: the same prompts with the plan and with a reference that saves nothing, on the same
 * weights. Perplexity hardly moves where a cache forgets; per-step divergence and needles do.
 */
import type { Engine } from "../../engine/types.ts";
import { InputError } from "../../runtime/errors.ts";
import { createRandom } from "../random.ts";
import { quantile } from "../statistics/bootstrap.ts";
import { meanInterval } from "../statistics/mean-interval.ts";
import { pairedDifference } from "../statistics/paired.ts";
import { type Comparison, compare, exactPlan, firstDivergence, promptOf } from "./compare.ts";
import { divergenceOf, type Step } from "./divergence.ts";
import type { Answer } from "./trial.ts";
import type {
  Agreement,
  KvQualityOptions,
  KvQualityResult,
  KvQualitySample,
  Resources,
  SampleQuality,
  StepFigures,
  TaskRetention,
} from "./types.ts";

export const DEFAULT_STEPS = 128;

export async function kvQuality(engine: Engine, options: KvQualityOptions): Promise<KvQualityResult> {
  const { plan, reference = exactPlan, samples, signal, onProgress } = options;
  const { mode = "raw", questionKnown = false, steps = DEFAULT_STEPS } = options;
  if (samples.length === 0)
    throw new InputError("kv-quality: expected at least one sample, got none. Give some prompts.");
  if (!Number.isInteger(steps) || steps < 1)
    throw new InputError(
      `steps: expected a whole number of at least 1, got ${steps}. Leave it out for ${DEFAULT_STEPS}.`,
      {
        got: steps,
      },
    );
  const prompts = samples.map((sample) => promptOf(engine, sample, mode));
  const lengths = prompts.map(({ contextIds, restIds }) => contextIds.length + restIds.length);
  const total = 2 * lengths.reduce((sum, length) => sum + length, 0);
  const comparisons: Comparison[] = [];
  let before = 0;
  for (const [i, sample] of samples.entries()) {
    // Both plans read the prompt once from its beginning to its end.
    let readings = 0;
    const progress = (done: number) => {
      onProgress?.(before + readings * lengths[i] + done, total);
      if (done === lengths[i]) readings++;
    };
    const settings = { plan, reference, mode, steps, questionKnown, signal, onProgress: progress };
    comparisons.push(await compare(engine, sample, prompts[i], settings));
    before += 2 * lengths[i];
  }

  const rows = samples.map((sample, i) => qualityOf(sample, comparisons[i], options));
  const stepsOf = (figure: "answerSteps" | "continuationSteps") =>
    divergenceOf(comparisons.map((comparison, i) => ({ group: rows[i].group, steps: comparison[figure] })));
  const answer = stepsOf("answerSteps");
  const continuation = stepsOf("continuationSteps");
  return {
    model: engine.model.name,
    plan,
    reference,
    mode,
    questionKnown,
    ...(answer && { answer }),
    ...(continuation && { continuation }),
    agreement: agreementOf(rows),
    tasks: [...new Set(samples.map(({ task }) => task))].flatMap((task) => retentionOf(task, rows)),
    resources: {
      reference: resourcesOf(comparisons.map(({ reference }) => reference)),
      plan: resourcesOf(comparisons.map(({ plan }) => plan)),
    },
    samples: rows,
  };
}

function qualityOf(sample: KvQualitySample, comparison: Comparison, options: KvQualityOptions): SampleQuality {
  const { prompt, reference, plan, answerSteps, continuationSteps } = comparison;
  const { id, task, group = id, depth } = sample;
  const scoreOf = (output: string) => options.score?.(output, sample)?.score;
  const scores = { reference: scoreOf(reference.text), plan: scoreOf(plan.text) };
  const first = firstDivergence(reference.tokenIds, plan.tokenIds);
  const answer = figuresOf(answerSteps);
  const continuation = figuresOf(continuationSteps);
  return {
    id,
    task,
    group,
    ...(depth !== undefined && { depth }),
    contextTokens: prompt.contextIds.length,
    promptTokens: prompt.contextIds.length + prompt.restIds.length,
    output: { reference: reference.text, plan: plan.text },
    ...(scores.reference !== undefined &&
      scores.plan !== undefined && { score: { reference: scores.reference, plan: scores.plan } }),
    ...(first !== undefined && { firstDivergence: first }),
    ...(answer && { answer }),
    ...(continuation && { continuation }),
  };
}

function figuresOf(steps: readonly Step[]): StepFigures | undefined {
  if (steps.length === 0) return undefined;
  return {
    steps: steps.length,
    meanKl: steps.reduce((sum, { kl }) => sum + kl, 0) / steps.length,
    maxKl: Math.max(...steps.map(({ kl }) => kl)),
    top1: steps.filter(({ sameTop }) => sameTop).length / steps.length,
  };
}

function agreementOf(rows: readonly SampleQuality[]): Agreement {
  const observations = rows.map(({ group, firstDivergence }) => ({
    group,
    value: Number(firstDivergence === undefined),
  }));
  const { mean, interval } = meanInterval(observations, createRandom("kv-quality", "agreement"));
  const firsts = rows.flatMap(({ firstDivergence }) => firstDivergence ?? []).sort((a, b) => a - b);
  return {
    n: rows.length,
    exactMatch: { mean, interval },
    ...(firsts.length > 0 && { medianFirstDivergence: quantile(firsts, 0.5) }),
  };
}

function retentionOf(task: string, rows: readonly SampleQuality[]): TaskRetention[] {
  const scored = rows.flatMap(({ task: own, group, score }) => (own === task && score ? { group, ...score } : []));
  if (scored.length === 0) return [];
  const n = scored.length;
  const reference = scored.reduce((sum, score) => sum + score.reference, 0) / n;
  const plan = scored.reduce((sum, score) => sum + score.plan, 0) / n;
  const differences = scored.map((score) => ({ group: score.group, value: score.plan - score.reference }));
  const { mean, interval } = pairedDifference(differences, createRandom("kv-quality", task));
  const retention = reference > 0 ? { retention: plan / reference } : {};
  return [{ task, n, reference, plan, ...retention, difference: mean, interval }];
}

function resourcesOf(answers: readonly Answer[]): Resources {
  const sum = (figure: (answer: Answer) => number) => answers.reduce((total, answer) => total + figure(answer), 0);
  const outputTokens = sum(({ tokenIds }) => tokenIds.length);
  return {
    cacheBytesPerToken: sum(({ cacheBytes }) => cacheBytes) / sum(({ tokens }) => tokens),
    promptTokens: sum(({ tokens }) => tokens) - outputTokens,
    outputTokens,
    prefillSeconds: sum(({ prefillSeconds }) => prefillSeconds),
    decodeSeconds: sum(({ decodeSeconds }) => decodeSeconds),
  };
}
