/**
 * Perplexity by visible context: always the same targets, the last tokens of each document, with 0, 256, 1K, 4K, …
 * tokens before them to see. The targets being equal, differences are due to context alone:
 *   gain(c) = NLL(base) − NLL(c), base = 256 tokens.
 */
import type { Interval } from "../statistics/interval.ts";
import { concat, type Document } from "./document.ts";
import { differenceOf, type Likelihood, likelihoodOf, portionOf } from "./likelihood.ts";
import {
  type Conditions,
  conditionsOf,
  firstScored,
  type ReadingEngine,
  type ReadOptions,
  readAll,
} from "./reading.ts";
import { beforeTargets, DEFAULT_TARGETS, expectContext, mostContext } from "./tail.ts";

export interface ByContext extends Conditions {
  readonly measure: "context";
  /** Tokens at the end of each document that are scored. */
  readonly targets: number;
  /** Context that gains are counted from. */
  readonly base: number;
  /** By ascending context. */
  readonly contexts: readonly ContextLikelihood[];
}

export interface ContextLikelihood extends Likelihood {
  /** Tokens before the first target, BOS not counted. */
  readonly context: number;
  /** Nats per token less than with the base context: paired over documents. */
  readonly gain: number;
  readonly gainInterval?: Interval;
}

export interface ByContextOptions extends ReadOptions {
  /** Default 1,024. */
  readonly targets?: number;
  /** Default: 0, 256, 1,024, 4,096, … and the most that the model and the shortest document have. */
  readonly contexts?: readonly number[];
}

const BASE = 256;

export async function perplexityByContext(
  engine: ReadingEngine,
  documents: readonly Document[],
  { targets = DEFAULT_TARGETS, contexts, ...options }: ByContextOptions = {},
): Promise<ByContext> {
  const most = mostContext(engine, documents, targets);
  const sorted = [...new Set(contexts ?? defaultContexts(most))].sort((a, b) => a - b);
  for (const context of sorted) expectContext(context, most);
  // Where some context has nothing at all before the first target, no context counts it.
  const skipped = sorted[0] < firstScored(engine) ? 1 : 0;
  const passages = sorted.flatMap((context) =>
    documents.map((document) => ({
      tokenIds: concat(beforeTargets(document, targets, context), document.tokenIds.subarray(-targets)),
      scoredFrom: context + skipped,
    })),
  );
  const logProbs = await readAll(engine, passages, options);
  const portions = sorted.map((_, row) =>
    documents.map((document, i) =>
      portionOf(i, document, logProbs[row * documents.length + i], document.tokenIds.length - targets + skipped),
    ),
  );
  const base = sorted.includes(BASE) ? BASE : (sorted.find((context) => context > 0) ?? 0);
  const basePortions = portions[sorted.indexOf(base)];
  return {
    measure: "context",
    ...conditionsOf(engine, options),
    targets: targets - skipped,
    base,
    contexts: sorted.map((context, row) => {
      const { value: gain, interval: gainInterval } = differenceOf(basePortions, portions[row]);
      return { context, ...likelihoodOf(portions[row])!, gain, ...(gainInterval && { gainInterval }) };
    }),
  };
}

function defaultContexts(most: number): number[] {
  const contexts = [0];
  for (let context = BASE; context < most; context *= 4) contexts.push(context);
  return [...contexts, most];
}
