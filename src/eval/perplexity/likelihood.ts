/**
 * Sums of negative log-likelihoods and what is made of them, all logarithms natural until the end:
 *   NLL = −Σ ln p / tokens   perplexity = exp(NLL)   bits per byte = −Σ ln p / (ln 2 · bytes)
 * Only bits per byte can be compared between tokenizers.
 */
import type { Interval } from "../statistics/interval.ts";
import { grouped } from "../statistics/observation.ts";
import { bytesOf, type Document } from "./document.ts";
import { type Ratio, ratioOf } from "./ratio.ts";

/** Scored tokens of one document. */
export interface Portion {
  /** The document: its portions are one cluster. */
  readonly group: string;
  /** −Σ ln p */
  readonly nats: number;
  readonly tokens: number;
  readonly bytes: number;
}

export interface Likelihood {
  readonly documents: number;
  readonly tokens: number;
  /** Nats per token. */
  readonly nll: number;
  readonly perplexity: number;
  readonly bitsPerByte: number;
  /** 95 %, documents being what was drawn. Absent with one document. */
  readonly intervals?: { readonly nll: Interval; readonly perplexity: Interval; readonly bitsPerByte: Interval };
}

/** `logProbs` are those of the document's tokens from `from` on. */
export function portionOf(document: number, text: Document, logProbs: Float64Array, from: number): Portion {
  const nats = -logProbs.reduce((sum, logProb) => sum + logProb, 0);
  const tokens = logProbs.length;
  return { group: String(document), nats, tokens, bytes: bytesOf(text, from, from + tokens) };
}

/** Absent where nothing was scored. */
export function likelihoodOf(portions: readonly Portion[]): Likelihood | undefined {
  const documents = grouped(portions.filter(({ tokens }) => tokens > 0));
  if (documents.length === 0) return undefined;
  const perToken = ratioOf(documents.map((group) => ({ sum: sumOf(group, "nats"), weight: sumOf(group, "tokens") })));
  const perByte = ratioOf(
    documents.map((group) => ({ sum: sumOf(group, "nats") / Math.LN2, weight: sumOf(group, "bytes") })),
  );
  const { interval } = perToken;
  return {
    documents: documents.length,
    tokens: sumOf(documents.flat(), "tokens"),
    nll: perToken.value,
    perplexity: Math.exp(perToken.value),
    bitsPerByte: perByte.value,
    ...(interval &&
      perByte.interval && {
        intervals: {
          nll: interval,
          perplexity: { low: Math.exp(interval.low), high: Math.exp(interval.high) },
          bitsPerByte: perByte.interval,
        },
      }),
  };
}

/** Mean of NLL(a) − NLL(b) per token; a[i] and b[i] are the same tokens of the same document. */
export function differenceOf(a: readonly Portion[], b: readonly Portion[]): Ratio {
  return ratioOf(a.map((portion, i) => ({ sum: portion.nats - b[i].nats, weight: portion.tokens })));
}

function sumOf(portions: readonly Portion[], figure: "nats" | "tokens" | "bytes"): number {
  return portions.reduce((sum, portion) => sum + portion[figure], 0);
}
