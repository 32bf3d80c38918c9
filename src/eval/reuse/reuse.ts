/**
 * What it costs to put documents together that were read by themselves: facts found in them, and how far predictions are from
 * those of an exact reading along its answers. Documents are in a store already when a reading is timed.
 */

import { defaultPlan, type Plan } from "../../context/plan.ts";
import { readingPlan } from "../../context/reading-plan.ts";
import { linkTexts, type TextParts } from "../../engine/linked-text.ts";
import type { BlockStore, Engine, Session } from "../../engine/types.ts";
import type { Step } from "../kv-quality/divergence.ts";
import { type FullAnswer, fullAnswer, inSession, tryPlan } from "../pareto/trial.ts";
import { concat } from "../perplexity/document.ts";
import type { Haystack } from "../types.ts";
import { type FactTexts, factTexts } from "./texts.ts";

export interface ReuseOptions {
  readonly haystack: Haystack;
  readonly plan?: Plan;
  readonly documents: number;
  /** Of every document, at most. */
  readonly tokens: number;
  readonly samples: number;
  /** First tokens of a document that are computed anew: a row for each. */
  readonly recompute: readonly number[];
  /** Whether documents are read without the prompt's head before them: a row for each. */
  readonly isolated: readonly boolean[];
  readonly signal?: AbortSignal;
  /** Readings, those that fill the store not counted. */
  onProgress?(done: number, total: number): void;
}

export interface ReuseRow {
  /** None for the exact reading. */
  readonly linked?: { readonly recompute: number; readonly isolated: boolean };
  readonly found: number;
  readonly asked: number;
  /** Nats a token of the exact reading's answers. */
  readonly kl: number;
  /** Share of these tokens with the same most likely token. */
  readonly top1: number;
  /** Of reading everything before the questions, mean over samples. */
  readonly seconds: number;
}

export interface ReuseResult {
  readonly model: string;
  /** Tokens before the question, mean over samples. */
  readonly tokens: number;
  readonly rows: readonly ReuseRow[];
}

/** What a reading of one sample gave, question by question. */
interface Outcome {
  readonly found: readonly boolean[];
  readonly steps: readonly Step[];
  readonly seconds: number;
}

/** Answers are a few words. */
const limits = { maxTokens: 16 };

export async function measureReuse(engine: Engine, options: ReuseOptions): Promise<ReuseResult> {
  const { recompute, isolated, samples, onProgress } = options;
  const ways = isolated.flatMap((each) => recompute.map((tokens) => ({ recompute: tokens, isolated: each })));
  const outcomes: Outcome[][] = Array.from({ length: ways.length + 1 }, () => []);
  const total = samples * outcomes.length;
  let tokens = 0;
  for (let sample = 0; sample < samples; sample++) {
    const texts = factTexts(engine, { ...options, sample });
    tokens += texts.documents.reduce((sum, { length }) => sum + length, texts.head.length) / samples;
    const onReading = (done: number) => onProgress?.(sample * outcomes.length + done, total);
    const tried = await trySample(engine, texts, ways, options, onReading);
    tried.forEach((outcome, row) => {
      outcomes[row].push(outcome);
    });
  }
  const rows = outcomes.map((each, row) => ({ ...(row > 0 && { linked: ways[row - 1] }), ...figuresOf(each) }));
  return { model: engine.model.name, tokens: Math.round(tokens), rows };
}

function figuresOf(outcomes: readonly Outcome[]): Omit<ReuseRow, "linked"> {
  const found = outcomes.flatMap((outcome) => outcome.found);
  const steps = outcomes.flatMap((outcome) => outcome.steps);
  const perStep = (figure: (step: Step) => number) =>
    steps.reduce((sum, step) => sum + figure(step), 0) / Math.max(1, steps.length);
  return {
    found: found.filter(Boolean).length,
    asked: found.length,
    kl: perStep(({ kl }) => kl),
    top1: steps.length === 0 ? 1 : perStep(({ sameTop }) => Number(sameTop)),
    seconds: outcomes.reduce((sum, { seconds }) => sum + seconds, 0) / outcomes.length,
  };
}

/** The exact reading first, then every way of linking. */
async function trySample(
  engine: Engine,
  texts: FactTexts,
  ways: readonly { recompute: number; isolated: boolean }[],
  { plan = defaultPlan, signal }: ReuseOptions,
  onReading: (done: number) => void,
): Promise<Outcome[]> {
  const exact = await timed(() => readExactly(engine, texts, plan, signal));
  const answers: FullAnswer[] = [];
  await inSession(Promise.resolve(exact.session), async (session) => {
    for (const question of texts.questions)
      answers.push(await fullAnswer(session, readingOf(question), limits.maxTokens, { ...limits, signal }));
  });
  const isFound = (output: string, i: number) => output.includes(texts.questions[i].answer);
  const outcomes: Outcome[] = [
    { found: answers.map(({ output }, i) => isFound(output, i)), steps: [], seconds: exact.seconds },
  ];
  onReading(outcomes.length);
  const store = new MemoryStore();
  for (const way of ways) {
    const link = async () => (await linkTexts(engine, texts, { plan, store, signal, ...way })).session;
    await (await link()).dispose();
    const { session, seconds } = await timed(link);
    await inSession(Promise.resolve(session), async (session) => {
      const found: boolean[] = [];
      const steps: Step[] = [];
      for (const [i, question] of texts.questions.entries()) {
        const limit = { ...limits, signal };
        const tried = await tryPlan(session, readingOf(question), readingPlan(plan).plan.cache, answers[i], limit);
        steps.push(...tried.steps);
        found.push(isFound(await tried.answer(), i));
      }
      outcomes.push({ found, steps, seconds });
    });
    onReading(outcomes.length);
  }
  return outcomes;
}

async function readExactly(
  engine: Engine,
  { head, documents }: TextParts,
  plan: Plan,
  signal?: AbortSignal,
): Promise<Session> {
  const session = await engine.session({ plan });
  try {
    await session.prefill(documents.reduce(concat, head), { signal });
    return session;
  } catch (error) {
    await session.dispose();
    throw error;
  }
}

async function timed(read: () => Promise<Session>): Promise<{ session: Session; seconds: number }> {
  const start = performance.now();
  const session = await read();
  return { session, seconds: (performance.now() - start) / 1000 };
}

function readingOf({ restIds }: { restIds: Int32Array }): { readIds: Int32Array; restIds: Int32Array } {
  return { readIds: restIds.subarray(0, 0), restIds };
}

/** For one sample: a disk would be timed as well. */
class MemoryStore implements BlockStore {
  private readonly blocks = new Map<string, Uint8Array>();

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.blocks.get(key);
  }

  async put(key: string, payload: Uint8Array): Promise<void> {
    this.blocks.set(key, payload);
  }
}
