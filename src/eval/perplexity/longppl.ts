/**
 * LongPPL: perplexity of the key tokens alone (see key-spans.ts). With the evaluated model as its own judge it is called
 * LongPPL(self), and is no match for published figures, whose judges are far larger models.
 */
import { InputError } from "../../runtime/errors.ts";
import { nothingToScore } from "./by-position.ts";
import { bytesOf, type Document } from "./document.ts";
import {
  criteriaFor,
  type Judgement,
  judge,
  type KeyCriteria,
  type KeySpanOptions,
  type KeySpans,
  readable,
  tokensInside,
} from "./key-spans.ts";
import { type Likelihood, likelihoodOf, type Portion, portionOf } from "./likelihood.ts";
import { type Conditions, conditionsOf, firstScored, type ReadingEngine, readAll } from "./reading.ts";

export interface LongPerplexity extends Conditions {
  readonly measure: "longppl";
  /** LongPPL(self), or LongPPL(name of the judge). */
  readonly label: string;
  readonly criteria: KeyCriteria;
  readonly keyTokens: number;
  /** Of all scored tokens. */
  readonly keyShare: number;
  /** Of the key tokens; absent where there are none. Its perplexity is LongPPL. */
  readonly key?: Likelihood;
  /** Of all tokens. */
  readonly total: Likelihood;
}

export interface LongPerplexityOptions extends KeySpanOptions {
  /** Spans that another model found in the same documents. Default: the evaluated model is the judge. */
  readonly keySpans?: KeySpans;
}

export async function longPerplexity(
  engine: ReadingEngine,
  documents: readonly Document[],
  { keySpans, ...options }: LongPerplexityOptions = {},
): Promise<LongPerplexity> {
  const criteria = keySpans ?? criteriaFor(engine, documents, options);
  const judgements = keySpans
    ? await judged(engine, documents, keySpans, options)
    : await judge(engine, documents, criteria, options);
  const scoredFrom = firstScored(engine);
  const total = documents.map((document, i) => portionOf(i, document, judgements[i].logProbs, scoredFrom));
  const key = documents.map((document, i) => keyPortion(i, document, judgements[i], scoredFrom));
  const keyTokens = key.reduce((sum, { tokens }) => sum + tokens, 0);
  const likelihood = likelihoodOf(key);
  const all = likelihoodOf(total);
  if (!all) throw nothingToScore();
  const { window, stride, alpha, beta } = criteria;
  const isSelf = !keySpans || keySpans.evaluator === engine.model.name;
  return {
    measure: "longppl",
    ...conditionsOf(engine, options),
    label: `LongPPL(${isSelf ? "self" : keySpans.evaluator})`,
    criteria: { window, stride, alpha, beta },
    keyTokens,
    keyShare: keyTokens / all.tokens,
    ...(likelihood && { key: likelihood }),
    total: all,
  };
}

async function judged(
  engine: ReadingEngine,
  documents: readonly Document[],
  keySpans: KeySpans,
  options: KeySpanOptions,
): Promise<Judgement[]> {
  const found = documents.map(({ name, byteEnds }, i) => {
    const document = keySpans.documents[i];
    if (document?.name !== name || document.bytes > (byteEnds.at(-1) ?? 0))
      throw new InputError(
        `key spans: expected those of document ${name}, got ${document?.name ?? "none"}. Find them in the same documents, in the same order.`,
        { expected: name, got: document?.name },
      );
    return document;
  });
  const scoredFrom = firstScored(engine);
  const texts = documents.map((document) => readable(engine, document));
  const passages = texts.map((tokenIds) => ({ tokenIds, scoredFrom }));
  const logProbs = await readAll(engine, passages, options);
  return documents.map((document, i) => ({
    isKey: tokensInside(document, found[i].spans, texts[i].length),
    logProbs: logProbs[i],
  }));
}

function keyPortion(index: number, document: Document, { isKey, logProbs }: Judgement, scoredFrom: number): Portion {
  let nats = 0;
  let tokens = 0;
  let bytes = 0;
  for (let i = scoredFrom; i < isKey.length; i++) {
    if (!isKey[i]) continue;
    nats -= logProbs[i - scoredFrom];
    tokens++;
    bytes += bytesOf(document, i, i + 1);
  }
  return { group: String(index), nats, tokens, bytes };
}
