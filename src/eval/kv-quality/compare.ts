/** One prompt with both plans. The reference goes first and is gone before the plan begins: one cache at a time. */
import { type Plan, parsePlan } from "../../context/plan.ts";
import { argmax } from "../../engine/sampler.ts";
import type { Engine, Session } from "../../engine/types.ts";
import { splitAtQuestion } from "../prompt.ts";
import type { PromptMode } from "../types.ts";
import { compareStep, type Step } from "./divergence.ts";
import { type Answer, answer, follow, type PromptIds, type TrialOptions } from "./trial.ts";
import type { KvQualitySample } from "./types.ts";

/** Everything kept, in f32. */
export const exactPlan: Plan = parsePlan({ cache: { format: "f32" } });

export interface Comparison {
  readonly prompt: PromptIds;
  readonly reference: Answer;
  readonly plan: Answer;
  readonly answerSteps: readonly Step[];
  readonly continuationSteps: readonly Step[];
}

export interface CompareOptions extends TrialOptions {
  readonly plan: Plan;
  readonly reference: Plan;
  readonly mode: PromptMode;
  readonly steps: number;
}

export async function compare(
  engine: Engine,
  sample: KvQualitySample,
  prompt: PromptIds,
  { plan, reference, steps, ...options }: CompareOptions,
): Promise<Comparison> {
  const { tokenizer, model } = engine;
  const { vocabularySize } = model;
  const continuation = [...tokenizer.encode(sample.continuation ?? "", { bos: false }).slice(0, steps)];

  const told = await inSession(engine, reference, async (session) => {
    const written = await answer(session, prompt, sample, options);
    const along = async (path: readonly number[]) => {
      const rows: Float32Array[] = [];
      await follow(session, prompt, path, vocabularySize, options, (row) => rows.push(row.slice()));
      return rows;
    };
    const path = written.tokenIds.slice(0, steps);
    const answerRows = await along(path);
    // To stop is a prediction as well. Where the answer ended otherwise, what comes after it is nobody's token.
    const next = argmax(answerRows[path.length]);
    const ends = path.length < Math.min(steps, sample.maxTokens) && tokenizer.endIds.has(next);
    const continuationRows = continuation.length > 0 ? await along(continuation.slice(0, -1)) : [];
    return { written, path, targets: ends ? [...path, next] : path, answerRows, continuationRows };
  });

  return inSession(engine, plan, async (session) => {
    const written = await answer(session, prompt, sample, options);
    const along = async (path: readonly number[], rows: readonly Float32Array[], targets: readonly number[]) => {
      const compared: Step[] = [];
      await follow(session, prompt, path, vocabularySize, options, (row, i) => {
        if (i < targets.length) compared.push(compareStep(rows[i], row, targets[i]));
      });
      return compared;
    };
    return {
      prompt,
      reference: told.written,
      plan: written,
      answerSteps: told.targets.length > 0 ? await along(told.path, told.answerRows, told.targets) : [],
      continuationSteps:
        continuation.length > 0 ? await along(continuation.slice(0, -1), told.continuationRows, continuation) : [],
    };
  });
}

export function promptOf(engine: Engine, sample: KvQualitySample, mode: PromptMode): PromptIds {
  return splitAtQuestion(engine.tokenizer, sample.parts, mode);
}

/** Index of the first difference; absent where the answers are equal. */
export function firstDivergence(a: readonly number[], b: readonly number[]): number | undefined {
  const end = Math.max(a.length, b.length);
  for (let i = 0; i < end; i++) if (a[i] !== b[i]) return i;
  return undefined;
}

async function inSession<T>(engine: Engine, plan: Plan, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await engine.session({ plan });
  try {
    return await work(session);
  } finally {
    await session.dispose();
  }
}
