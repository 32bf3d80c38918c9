/** Perplexity of texts longer than a window, in the two ways in which it is published. */
import { CapacityError, InputError } from "../../runtime/errors.ts";
import { nothingToScore } from "./by-position.ts";
import type { Document } from "./document.ts";
import { type Likelihood, likelihoodOf, portionOf } from "./likelihood.ts";
import {
  type Conditions,
  conditionsOf,
  firstScored,
  type Passage,
  type ReadingEngine,
  type ReadOptions,
  readAll,
  roomOf,
} from "./reading.ts";

export interface SlidingWindow extends Conditions {
  readonly measure: "sliding-window";
  readonly window: number;
  readonly stride: number;
  readonly total: Likelihood;
}

export interface SlidingWindowOptions extends ReadOptions {
  /** Tokens of a document that are read at once, BOS not counted. Default: what the model's context holds. */
  readonly window?: number;
  /** Tokens from one window to the next. Default: a quarter of the window. */
  readonly stride?: number;
}

/**
 * Windows a stride apart; each scores the tokens that no earlier one has scored: the first window all, later ones the
 * last `stride`, which see window − stride to window − 1 tokens. Stride = window cuts the text into disjoint windows;
 * stride = 1 gives every token a full window, at that many times the cost.
 */
export async function perplexitySlidingWindow(
  engine: ReadingEngine,
  documents: readonly Document[],
  { window = roomOf(engine), stride = Math.max(1, window >> 2), ...options }: SlidingWindowOptions = {},
): Promise<SlidingWindow> {
  expectWindow(window, roomOf(engine));
  if (!Number.isInteger(stride) || stride < 1 || stride > window)
    throw new InputError(
      `stride: expected 1 to ${window}, the window, got ${stride}. Leave it out for ${window >> 2}.`,
      {
        got: stride,
      },
    );
  const parts = documents.flatMap(({ tokenIds }, document) => {
    const { length } = tokenIds;
    const windows: Part[] = [];
    for (let begin = 0, done = 0; done < length; begin += stride) {
      const end = Math.min(begin + window, length);
      windows.push({ document, begin, end, scored: Math.max(done - begin, firstScored(engine)) });
      done = end;
    }
    return windows;
  });
  const total = await likelihoodOfParts(engine, documents, parts, options);
  return { measure: "sliding-window", ...conditionsOf(engine, options), window, stride, total };
}

export interface Chunked extends Conditions {
  readonly measure: "chunked";
  readonly window: number;
  /** Predictions at the beginning of each chunk that do not count. */
  readonly unscored: number;
  readonly total: Likelihood;
}

export interface ChunkedOptions extends ReadOptions {
  /** Tokens of a chunk, BOS included. Default 512, as in llama.cpp. */
  readonly window?: number;
  /** Default: half of the window, as in llama.cpp. */
  readonly unscored?: number;
}

/**
 * llama.cpp's perplexity (perplexity.cpp): BOS and text cut into disjoint chunks, what is left over at
 * the end dropped; BOS takes the place of each chunk's first token; row j scores token j + 1 for j from window / 2 on.
 * Each document is cut on its own.
 */
export async function perplexityChunked(
  engine: ReadingEngine,
  documents: readonly Document[],
  { window = 512, unscored = window >> 1, ...options }: ChunkedOptions = {},
): Promise<Chunked> {
  expectWindow(window, engine.model.contextLength);
  if (!Number.isInteger(unscored) || unscored < 0 || unscored > window - 2)
    throw new InputError(`unscored: expected 0 to ${window - 2}, got ${unscored}. Leave it out for ${window >> 1}.`, {
      got: unscored,
    });
  // In the coordinates of the document, in which BOS stands at −1 and what it takes the place of is not read.
  const bos = 1 - firstScored(engine);
  const parts = documents.flatMap(({ tokenIds }, document) =>
    Array.from({ length: Math.floor((tokenIds.length + bos) / window) }, (_, chunk): Part => {
      const begin = chunk * window;
      return { document, begin, end: begin + window - bos, scored: unscored + 1 - bos };
    }),
  );
  const total = await likelihoodOfParts(engine, documents, parts, options);
  return { measure: "chunked", ...conditionsOf(engine, options), window, unscored, total };
}

/** Tokens `begin` to `end` of a document, of which those from `begin + scored` on count. */
interface Part {
  readonly document: number;
  readonly begin: number;
  readonly end: number;
  readonly scored: number;
}

async function likelihoodOfParts(
  engine: ReadingEngine,
  documents: readonly Document[],
  all: readonly Part[],
  options: ReadOptions,
): Promise<Likelihood> {
  const parts = all.filter(({ begin, end, scored }) => begin + scored < end);
  const passages = parts.map(({ document, begin, end, scored }): Passage => {
    return { tokenIds: documents[document].tokenIds.subarray(begin, end), scoredFrom: scored };
  });
  const logProbs = await readAll(engine, passages, options);
  const total = likelihoodOf(
    parts.map(({ document, begin, scored }, i) =>
      portionOf(document, documents[document], logProbs[i], begin + scored),
    ),
  );
  if (!total) throw nothingToScore();
  return total;
}

function expectWindow(window: number, most: number): void {
  if (!Number.isInteger(window) || window < 2)
    throw new InputError(
      `window: expected a whole number of at least 2, got ${window}. Leave it out for the default.`,
      {
        got: window,
      },
    );
  if (window > most)
    throw new CapacityError(`window: expected at most ${most} tokens, the model's context, got ${window}. Use less.`, {
      expected: most,
      got: window,
    });
}
