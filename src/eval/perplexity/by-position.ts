/**
 * Perplexity by position: one pass over each document, mean NLL of the tokens in [2^k, 2^(k+1)).
 * One pass gives the whole curve, but mixes position with content: compare with `perplexityByContext`.
 */
import { InputError } from "../../runtime/errors.ts";
import type { Document } from "./document.ts";
import { type Likelihood, likelihoodOf, portionOf } from "./likelihood.ts";
import {
  type Conditions,
  conditionsOf,
  firstScored,
  type ReadingEngine,
  type ReadOptions,
  readAll,
  roomOf,
} from "./reading.ts";

export interface ByPosition extends Conditions {
  readonly measure: "position";
  /** Ascending; those without a token are left out. */
  readonly buckets: readonly PositionBucket[];
  readonly total: Likelihood;
}

/** Tokens with `from` to `to` − 1 tokens of their document before them. */
export interface PositionBucket extends Likelihood {
  readonly from: number;
  readonly to: number;
}

export interface ByPositionOptions extends ReadOptions {
  /** Most tokens to read of a document, BOS included. Default: the model's context. */
  readonly length?: number;
}

/** Buckets below this would hold a handful of tokens. */
const FIRST_BUCKET = 32;

export async function perplexityByPosition(
  engine: ReadingEngine,
  documents: readonly Document[],
  { length = engine.model.contextLength, ...options }: ByPositionOptions = {},
): Promise<ByPosition> {
  const scoredFrom = firstScored(engine);
  const most = Math.min(roomOf(engine), length - (1 - scoredFrom));
  const passages = documents.map(({ tokenIds }) => ({ tokenIds: tokenIds.subarray(0, most), scoredFrom }));
  const logProbs = await readAll(engine, passages, options);

  const longest = Math.max(0, ...passages.map(({ tokenIds }) => tokenIds.length));
  const buckets: PositionBucket[] = [];
  for (let from = 0, to = FIRST_BUCKET; from < longest; from = to, to *= 2) {
    const first = Math.max(from, scoredFrom);
    const portions = documents.map((document, i) =>
      portionOf(i, document, logProbs[i].subarray(first - scoredFrom, to - scoredFrom), first),
    );
    const likelihood = likelihoodOf(portions);
    if (likelihood) buckets.push({ from, to: Math.min(to, longest), ...likelihood });
  }
  const total = likelihoodOf(documents.map((document, i) => portionOf(i, document, logProbs[i], scoredFrom)));
  if (!total) throw nothingToScore();
  return { measure: "position", ...conditionsOf(engine, options), buckets, total };
}

export function nothingToScore(): InputError {
  return new InputError("perplexity: expected a text of at least two tokens, got none. Give a longer text.");
}
