/** How likely a model finds the tokens of a text: the one way in which every perplexity here is measured. */
import type { Plan } from "../../context/plan.ts";
import { defaultPlan } from "../../context/plan.ts";
import { contextLengthOf } from "../../context/position/rotation.ts";
import type { ModelInfo, Session, SessionOptions } from "../../engine/types.ts";
import type { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { concat } from "./document.ts";

/** What is needed of an Engine. Its context is that under the plan: see underPlan(). */
export interface ReadingEngine {
  readonly model: Pick<ModelInfo, "name" | "contextLength">;
  readonly tokenizer: Pick<Tokenizer, "bosId" | "addBos">;
  session(options?: SessionOptions): Promise<Pick<Session, "prefill" | "dispose">>;
}

export interface ReadOptions {
  readonly plan?: Plan;
  readonly signal?: AbortSignal;
  /** Tokens read, of all that will be. */
  onProgress?(done: number, total: number): void;
}

/** An engine whose context is as long as the plan's position method reaches. */
export function underPlan(engine: ReadingEngine, plan: Plan): ReadingEngine {
  const { model, tokenizer } = engine;
  const contextLength = contextLengthOf(plan.position, model.contextLength);
  return { model: { ...model, contextLength }, tokenizer, session: (options) => engine.session(options) };
}

/** What every result says about how it was measured. */
export interface Conditions {
  readonly model: string;
  readonly plan: Plan;
  /** Every pass begins with BOS, because the model was trained so. */
  readonly bos: boolean;
}

/** Tokens to read in a new session, after BOS if the model has one. */
export interface Passage {
  readonly tokenIds: Int32Array;
  /** The first token whose probability is wanted. Without BOS nothing stands before token 0, which has none. */
  readonly scoredFrom: number;
}

export function conditionsOf(engine: ReadingEngine, { plan = defaultPlan }: ReadOptions): Conditions {
  return { model: engine.model.name, plan, bos: bosOf(engine).length > 0 };
}

/** The first token of a text that can be scored: 0 after BOS, else 1. */
export function firstScored(engine: ReadingEngine): 0 | 1 {
  return bosOf(engine).length > 0 ? 0 : 1;
}

/** Tokens of a text that the model's context holds, after BOS. */
export function roomOf(engine: ReadingEngine): number {
  return engine.model.contextLength - bosOf(engine).length;
}

/** For every passage ln p(token | all before it in the passage), in nats, of the tokens from `scoredFrom` on. */
export async function readAll(
  engine: ReadingEngine,
  passages: readonly Passage[],
  { plan, signal, onProgress }: ReadOptions,
): Promise<Float64Array[]> {
  const bos = bosOf(engine);
  const inputs = passages.map(({ tokenIds }) => concat(Int32Array.from(bos), tokenIds.subarray(0, -1)));
  const total = inputs.reduce((sum, input) => sum + input.length, 0);
  const results: Float64Array[] = [];
  let before = 0;
  for (const [i, input] of inputs.entries()) {
    const { tokenIds, scoredFrom } = passages[i];
    const firstRow = scoredFrom - 1 + bos.length;
    if (firstRow < 0) throw new Error("perplexity: token 0 cannot be scored without BOS");
    const targets = input.map((_, row) => (row < firstRow ? -1 : tokenIds[row + 1 - bos.length]));
    const rows = new Float64Array(input.length);
    if (input.length > 0) {
      signal?.throwIfAborted();
      const session = await engine.session({ plan });
      try {
        await session.prefill(input, {
          targets,
          signal,
          onLogProbs: (logProbs, first) => rows.set(logProbs, first),
          onProgress: (done) => onProgress?.(before + done, total),
        });
      } finally {
        await session.dispose();
      }
    }
    before += input.length;
    const scored = rows.slice(firstRow);
    if (scored.some(Number.isNaN)) throw new Error(`perplexity: ${engine.model.name} gave NaN as a log probability`);
    results.push(scored);
  }
  return results;
}

function bosOf({ tokenizer }: ReadingEngine): number[] {
  return tokenizer.addBos && tokenizer.bosId !== undefined ? [tokenizer.bosId] : [];
}
