/**
 * Quality against size for every score, allocation and budget on the same prompts. A prompt is read once; each plan drops
 * slots of a fork of it, so that plans differ in nothing but what they keep.
 */
import { type CachePlan, cacheSchema } from "../../context/cache/plan.ts";
import { type Choice, idOf } from "../../context/technique.ts";
import type { Engine, Session } from "../../engine/types.ts";
import { InputError } from "../../runtime/errors.ts";
import { hasChat } from "../../tokenizer/chat-template.ts";
import type { KvQualitySample } from "../kv-quality/types.ts";
import { splitAtQuestion } from "../prompt.ts";
import { promptHash } from "../run/samples.ts";
import type { PromptMode } from "../types.ts";
import { isOf, mean, summarize } from "./summary.ts";
import {
  type FullAnswer,
  fullAnswer,
  inSession,
  type Reading,
  readContext,
  readingOf,
  readOn,
  type Tried,
  tryPlan,
} from "./trial.ts";
import type { SweepOptions, SweepPlan, SweepResult, TriedSample } from "./types.ts";

const DEFAULT_STEPS = 48;
/** Answers that are written together: their caches are in memory at once. */
const TOGETHER = 16;

interface Candidate extends SweepPlan {
  cacheFor(tokens: number): CachePlan;
}

export async function sweep(engine: Engine, options: SweepOptions): Promise<SweepResult> {
  const { samples, signal, done, onProgress, onResult } = options;
  const { mode = hasChat(engine.tokenizer) ? "chat+prefill" : "raw" } = options;
  if (samples.length === 0) throw new InputError("pareto: expected at least one sample, got none. Give some tasks.");
  const candidates = candidatesOf(options);
  // What was tried before is part of every result from the first on, wherever it stands.
  const tried = samples.map((sample) => triedBefore(sample, candidates, done));
  const known = () => tried.filter((one) => one !== undefined);
  const resultSoFar = () => summarize({ model: engine.model.name, mode }, candidates, known());
  const total = samples.length * candidates.length;
  for (const [i, sample] of samples.entries()) {
    signal?.throwIfAborted();
    const before = known().length * candidates.length;
    onProgress?.(before, total);
    if (tried[i]) continue;
    const onTrial = (count: number) => onProgress?.(before + count, total);
    tried[i] = await trySample(engine, sample, candidates, { ...options, mode }, onTrial);
    onResult?.(resultSoFar());
    onProgress?.(before + candidates.length, total);
  }
  return resultSoFar();
}

/** A sample's trials of an earlier sweep, if none of the candidates is missing. */
function triedBefore(
  sample: KvQualitySample,
  candidates: readonly Candidate[],
  done: readonly TriedSample[] = [],
): TriedSample | undefined {
  const earlier = done.find(({ prompt }) => prompt === promptHash(sample));
  const trials = candidates.flatMap((candidate) => earlier?.trials.find(isOf(candidate)) ?? []);
  return earlier && trials.length === candidates.length ? { ...earlier, trials } : undefined;
}

async function trySample(
  engine: Engine,
  sample: KvQualitySample,
  candidates: readonly Candidate[],
  { mode, questionKnown, steps = DEFAULT_STEPS, score, signal }: SweepOptions & { mode: PromptMode },
  onTrial: (count: number) => void,
): Promise<TriedSample> {
  const prompt = splitAtQuestion(engine.tokenizer, sample.parts, mode);
  const qualityOf = (output: string) => score(output, sample)?.score ?? 0;
  const tokens = prompt.contextIds.length;
  const trials = new Map<Candidate, TriedSample["trials"][number]>();
  let full = 0;
  const collect = candidates.map(({ cacheFor }) => cacheFor(tokens));
  const limits = { maxTokens: sample.maxTokens, stop: sample.stop, signal };

  async function tryAll(base: Session, reading: Reading, known: boolean): Promise<void> {
    const answer: FullAnswer = await fullAnswer(base, reading, steps, limits);
    if (known === questionKnown[0]) full = qualityOf(answer.output);
    const wanted = candidates.filter((candidate) => candidate.questionKnown === known);
    for (let first = 0; first < wanted.length; first += TOGETHER) {
      const group = wanted.slice(first, first + TOGETHER);
      const tried: Tried[] = [];
      try {
        for (const { cacheFor } of group) {
          signal?.throwIfAborted();
          tried.push(await tryPlan(base, reading, cacheFor(reading.readIds.length), answer, limits));
        }
      } catch (error) {
        await Promise.all(tried.map((each) => each.dispose()));
        throw error;
      }
      const outputs = await Promise.all(tried.map((each) => each.answer()));
      group.forEach(({ cacheFor: _, ...plan }, i) => {
        const { steps, cacheBytes, seconds } = tried[i];
        trials.set(group[i], {
          ...plan,
          quality: qualityOf(outputs[i]),
          kl: mean(steps.map(({ kl }) => kl)),
          steps: steps.length,
          sameTop: steps.filter(({ sameTop }) => sameTop).length,
          bytesShare: cacheBytes / answer.cacheBytes,
          seconds,
        });
      });
      onTrial(trials.size);
    }
  }

  await inSession(readContext(engine, prompt, collect, signal), async (context) => {
    for (const known of questionKnown) {
      const reading = readingOf(prompt, known);
      await inSession(readOn(context, reading, signal), (base) => tryAll(base, reading, known));
    }
  });
  const { id, task, group = id } = sample;
  return {
    ...{ prompt: promptHash(sample), id, task, group, full },
    tokens: tokens + prompt.restIds.length,
    trials: candidates.flatMap((candidate) => trials.get(candidate) ?? []),
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
