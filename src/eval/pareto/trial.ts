/** One sample under every plan of a sweep: the text is read once, every plan drops slots of a fork of it. */
import type { CachePlan } from "../../context/cache/plan.ts";
import { argmax } from "../../engine/sampler.ts";
import type { Engine, Session } from "../../engine/types.ts";
import { compareStep, type Step } from "../kv-quality/divergence.ts";
import type { PromptIds } from "../kv-quality/trial.ts";
import { concat } from "../perplexity/document.ts";

export interface Trial {
  readonly output: string;
  readonly steps: readonly Step[];
  readonly cacheBytes: number;
  readonly seconds: number;
}

export interface Reading {
  /** Read before slots are dropped. */
  readonly readIds: Int32Array;
  /** Read after. */
  readonly restIds: Int32Array;
}

/** Where a prompt is cut: before the question, or before its last token, so that the scorer has seen the question. */
export function readingOf({ contextIds, restIds }: PromptIds, questionKnown: boolean): Reading {
  if (!questionKnown) return { readIds: contextIds, restIds };
  const all = concat(contextIds, restIds);
  return { readIds: all.slice(0, -1), restIds: all.slice(-1) };
}

export interface AnswerLimits {
  readonly maxTokens: number;
  readonly stop?: readonly string[];
  readonly signal?: AbortSignal;
}

/** The full cache's greedy answer, and what it predicts along it. */
export interface FullAnswer {
  readonly output: string;
  readonly path: readonly number[];
  /** Logits after the prompt and after each token of the path. */
  readonly rows: readonly Float32Array[];
  readonly cacheBytes: number;
}

export async function fullAnswer(
  base: Session,
  { restIds }: Reading,
  steps: number,
  limits: AnswerLimits,
): Promise<FullAnswer> {
  const { cacheBytes } = await base.memory();
  const answered = await inFork(base, async (session) => {
    await session.prefill(restIds, { compress: false, signal: limits.signal });
    return answerOf(session, limits);
  });
  const path = answered.tokenIds.slice(0, steps);
  const rows = await inFork(base, (session) => rowsAlong(session, restIds, path));
  return { output: answered.text, path, rows, cacheBytes };
}

/** What a plan that drops makes of it. The answer is written when asked for, so that several are written together; ask for it once. */
export interface Tried extends Omit<Trial, "output"> {
  answer(): Promise<string>;
  /** Of one whose answer is not asked for. */
  dispose(): Promise<void>;
}

export async function tryPlan(
  base: Session,
  { restIds }: Reading,
  cache: CachePlan,
  full: FullAnswer,
  limits: AnswerLimits,
): Promise<Tried> {
  const session = await base.fork();
  try {
    const start = performance.now();
    await session.compress(cache);
    const seconds = (performance.now() - start) / 1000;
    const { cacheBytes } = await session.memory();
    const rows = await inFork(session, (fork) => rowsAlong(fork, restIds, full.path));
    const steps = full.path.map((target, i) => compareStep(full.rows[i], rows[i], target));
    // Where every token of the full cache's answer is the likeliest here too, the answer is the same as far as it was compared.
    const isSame = rows.every((row, i) => argmax(row) === argmax(full.rows[i]));
    if (isSame) await session.dispose();
    // Long enough for the same answer in other words; a model that has lost the thread would go on to the limit.
    const maxTokens = Math.min(limits.maxTokens, 16 + 2 * full.path.length);
    const write = async () => {
      await session.prefill(restIds, { compress: false, signal: limits.signal });
      return (await answerOf(session, { ...limits, maxTokens })).text;
    };
    const answer = async () => (isSame ? full.output : inSession(Promise.resolve(session), write));
    return { answer, steps, cacheBytes, seconds, dispose: () => session.dispose() };
  } catch (error) {
    await session.dispose();
    throw error;
  }
}

/** Opens the session that all plans share: it has read the context, and gathers what their scores need. */
export async function readContext(
  engine: Engine,
  { contextIds }: PromptIds,
  collect: readonly CachePlan[],
  signal?: AbortSignal,
): Promise<Session> {
  const session = await engine.session({ collect });
  try {
    await session.prefill(contextIds, { signal });
    return session;
  } catch (error) {
    await session.dispose();
    throw error;
  }
}

/** A copy of it that has read what comes before slots are dropped. */
export async function readOn(context: Session, { readIds }: Reading, signal?: AbortSignal): Promise<Session> {
  const session = await context.fork();
  const more = readIds.subarray(session.length);
  if (more.length > 0) await session.prefill(more, { signal });
  return session;
}

async function rowsAlong(session: Session, restIds: Int32Array, path: readonly number[]): Promise<Float32Array[]> {
  const last = restIds.length - 1;
  if (last > 0) await session.prefill(restIds.subarray(0, last), { compress: false });
  const rows: Float32Array[] = [];
  const tokens = 1 + path.length;
  await session.prefill([restIds[last], ...path], {
    compress: false,
    onLogits: (logits) => {
      const size = logits.length / tokens;
      for (let row = 0; row < tokens; row++) rows.push(logits.slice(row * size, (row + 1) * size));
    },
  });
  return rows;
}

async function answerOf(
  session: Session,
  { maxTokens, stop = [], signal }: AnswerLimits,
): Promise<{ text: string; tokenIds: number[] }> {
  const tokenIds: number[] = [];
  let text = "";
  for await (const token of session.generate({ maxTokens, stop: [...stop], signal })) {
    tokenIds.push(token.tokenId);
    text += token.text;
  }
  return { text, tokenIds };
}

async function inFork<T>(from: Session, work: (session: Session) => Promise<T>): Promise<T> {
  return inSession(from.fork(), work);
}

/** Closes a session when the work in it is done. */
export async function inSession<T>(opened: Promise<Session>, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await opened;
  try {
    return await work(session);
  } finally {
    await session.dispose();
  }
}
