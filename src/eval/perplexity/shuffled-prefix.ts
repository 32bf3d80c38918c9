/**
 * The control of `perplexityByContext`: the same targets after their own text, after as much of another document, and
 * after nothing. Context use = NLL(other) − NLL(own). Models whose perplexity falls with any text before it, related or
 * not, gain between "none" and "other"; broken position handling shows as "other" far above "none".
 */
import { InputError } from "../../runtime/errors.ts";
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

export interface ShuffledPrefix extends Conditions {
  readonly measure: "shuffled-prefix";
  readonly targets: number;
  /** Tokens before the targets. */
  readonly context: number;
  /** Targets after their own text, after another document's, after nothing. */
  readonly own: Likelihood;
  readonly other: Likelihood;
  readonly none: Likelihood;
  /** Nats per token: NLL(other) − NLL(own), paired over documents. */
  readonly contextUse: number;
  readonly contextUseInterval?: Interval;
}

export interface ShuffledPrefixOptions extends ReadOptions {
  /** Default 1,024. */
  readonly targets?: number;
  /** Default: the most that the model and the shortest document have. */
  readonly context?: number;
}

export async function perplexityShuffledPrefix(
  engine: ReadingEngine,
  documents: readonly Document[],
  { targets = DEFAULT_TARGETS, context, ...options }: ShuffledPrefixOptions = {},
): Promise<ShuffledPrefix> {
  if (documents.length < 2)
    throw new InputError(
      `shuffled prefix: expected at least two documents, got ${documents.length}. Give another text.`,
    );
  const most = mostContext(engine, documents, targets);
  const length = context ?? most;
  expectContext(length, most);
  const skipped = firstScored(engine);
  // Each document borrows from the next one what stands there before the targets.
  const others = documents.map((_, i) => documents[(i + 1) % documents.length]);
  const nothing = new Int32Array(0);
  const arms = [
    documents.map((document) => beforeTargets(document, targets, length)),
    others.map((document) => beforeTargets(document, targets, length)),
    documents.map(() => nothing),
  ];
  const passages = arms.flatMap((prefixes) =>
    prefixes.map((prefix, i) => ({
      tokenIds: concat(prefix, documents[i].tokenIds.subarray(-targets)),
      scoredFrom: prefix.length + skipped,
    })),
  );
  const logProbs = await readAll(engine, passages, options);
  const [own, other, none] = arms.map((_, arm) =>
    documents.map((document, i) =>
      portionOf(i, document, logProbs[arm * documents.length + i], document.tokenIds.length - targets + skipped),
    ),
  );
  const { value, interval } = differenceOf(other, own);
  return {
    measure: "shuffled-prefix",
    ...conditionsOf(engine, options),
    targets: targets - skipped,
    context: length,
    own: likelihoodOf(own)!,
    other: likelihoodOf(other)!,
    none: likelihoodOf(none)!,
    contextUse: value,
    ...(interval && { contextUseInterval: interval }),
  };
}
