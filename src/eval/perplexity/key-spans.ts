/**
 * Key tokens: those that a model predicts well only because it sees far back (LongPPL, Fang et al., "What is Wrong with
 * Perplexity for Long-context Language Modeling?", 2024, arXiv:2410.23771; method of github.com/PKU-ML/LongPPL).
 *   LSD(t) = ln p(t | all before it) − ln p(t | a short context)   LCL(t) = ln p(t | all before it)
 *   t is key if LSD > alpha = 2 and LCL > beta = −2.
 * Short contexts: windows [s, s + K + d) at s = 0, d, 2d, … judge their last d tokens, which see K to K + d − 1 tokens.
 */
import { InputError } from "../../runtime/errors.ts";
import type { Document } from "./document.ts";
import { firstScored, type ReadingEngine, type ReadOptions, readAll, roomOf } from "./reading.ts";

/** What makes a token key. */
export interface KeyCriteria {
  /** K: tokens of a short context. */
  readonly window: number;
  /** d: tokens from one short context to the next. */
  readonly stride: number;
  /** Least LSD, in nats. */
  readonly alpha: number;
  /** Least LCL, in nats. */
  readonly beta: number;
}

export interface KeySpanOptions extends ReadOptions, Partial<KeyCriteria> {}

/** Found by one model, good for any other: spans are bytes of the text, not tokens. Plain JSON. */
export interface KeySpans extends KeyCriteria {
  /** Name of the model that found them. */
  readonly evaluator: string;
  readonly documents: readonly {
    readonly name: string;
    /** Bytes of the text, as far as it was read. */
    readonly bytes: number;
    /** Runs of key tokens in UTF-8 bytes [begin, end), ascending. */
    readonly spans: readonly (readonly [begin: number, end: number])[];
  }[];
}

/** The published window and stride are meant for 32K tokens; where texts are short for them, both shrink. */
const PUBLISHED_WINDOW = 4096;

/** K is at most half of the shortest text, as a power of two, and d a quarter of it. */
export function criteriaFor(
  engine: ReadingEngine,
  documents: readonly Document[],
  options: Partial<KeyCriteria>,
): KeyCriteria {
  const shortest = Math.min(...documents.map((document) => readable(engine, document).length));
  if (shortest < 16 || documents.length === 0)
    throw new InputError(
      `key tokens: expected documents of at least 16 tokens, got ${documents.length === 0 ? "none" : shortest}. Give longer texts.`,
    );
  const fitting = 2 ** Math.floor(Math.log2(shortest / 2));
  const { window = Math.min(PUBLISHED_WINDOW, fitting), alpha = 2, beta = -2 } = options;
  const { stride = Math.max(1, window >> 2) } = options;
  for (const [name, value] of Object.entries({ window, stride }))
    if (!Number.isInteger(value) || value < 1)
      throw new InputError(`${name}: expected a whole number of at least 1, got ${value}. Leave it out.`, {
        got: value,
      });
  return { window, stride, alpha, beta };
}

export interface Judgement {
  /** isKey[i] of token i. */
  readonly isKey: boolean[];
  /** ln p(token | all before it), of the tokens from the first that can be scored on. */
  readonly logProbs: Float64Array;
}

/** What the model can read of a text in one pass. */
export function readable(engine: ReadingEngine, { tokenIds }: Document): Int32Array {
  return tokenIds.subarray(0, roomOf(engine));
}

export async function judge(
  engine: ReadingEngine,
  documents: readonly Document[],
  { window, stride, alpha, beta }: KeyCriteria,
  options: ReadOptions,
): Promise<Judgement[]> {
  const scoredFrom = firstScored(engine);
  const texts = documents.map((document) => readable(engine, document));
  const whole = texts.map((tokenIds) => ({ tokenIds, scoredFrom }));
  // The first window, at 0, sees what a full pass sees: LSD is 0, and none of its tokens is key.
  const short = texts.flatMap((tokenIds, document) => {
    const windows = Math.max(0, Math.ceil((tokenIds.length - window - stride) / stride));
    return Array.from({ length: windows }, (_, i) => {
      const begin = (i + 1) * stride;
      return { document, begin, tokenIds: tokenIds.subarray(begin, begin + window + stride), scoredFrom: window };
    });
  });
  const logProbs = await readAll(engine, [...whole, ...short], options);
  const judgements = texts.map((tokenIds, document) => ({
    isKey: new Array<boolean>(tokenIds.length).fill(false),
    logProbs: logProbs[document],
  }));
  for (const [i, { document, begin }] of short.entries()) {
    const { isKey, logProbs: full } = judgements[document];
    for (const [j, near] of logProbs[texts.length + i].entries()) {
      const token = begin + window + j;
      const far = full[token - scoredFrom];
      isKey[token] = far - near > alpha && far > beta;
    }
  }
  return judgements;
}

/** Key spans of documents in the tokens of `engine`, which reads about five times what a single pass reads. */
export async function findKeySpans(
  engine: ReadingEngine,
  documents: readonly Document[],
  options: KeySpanOptions = {},
): Promise<KeySpans> {
  const criteria = criteriaFor(engine, documents, options);
  const judgements = await judge(engine, documents, criteria, options);
  return {
    evaluator: engine.model.name,
    ...criteria,
    documents: documents.map((document, i) => {
      const { isKey } = judgements[i];
      return {
        name: document.name,
        bytes: document.byteEnds[isKey.length - 1],
        spans: spansOf(document, isKey),
      };
    }),
  };
}

function spansOf({ byteEnds }: Document, isKey: readonly boolean[]): [number, number][] {
  const spans: [number, number][] = [];
  for (const [i, key] of isKey.entries()) {
    if (!key) continue;
    const begin = byteEnds[i - 1];
    const last = spans.at(-1);
    if (last?.[1] === begin) last[1] = byteEnds[i];
    else spans.push([begin, byteEnds[i]]);
  }
  return spans;
}

/** Which of a document's first `count` tokens lie inside a span, whatever the tokens of who found it. */
export function tokensInside(
  { byteEnds }: Document,
  spans: KeySpans["documents"][number]["spans"],
  count: number,
): boolean[] {
  let at = 0;
  return Array.from({ length: count }, (_, i) => {
    const begin = i === 0 ? 0 : byteEnds[i - 1];
    while (at < spans.length && spans[at][1] <= begin) at++;
    return at < spans.length && spans[at][0] <= begin && byteEnds[i] <= spans[at][1];
  });
}
