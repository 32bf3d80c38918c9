/** Log probabilities in OpenAI's two shapes: chat's, a list of tokens with their bytes, and plain completions', four lists. */
import type { TextStream, Tokenizer } from "../tokenizer/tokenizer.ts";
import type { PromptToken } from "./prompt-log-probs.ts";

/** Of some tokens of one answer, in order. */
export type LogProbShape = (tokens: readonly PromptToken[]) => object;

export function chatLogProbs(tokenizer: Tokenizer): LogProbShape {
  const entry = (tokenId: number, logProb = 0) => {
    const bytes = tokenizer.tokenBytes(tokenId);
    return {
      token: new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes),
      logprob: finite(logProb),
      bytes: Array.from(bytes),
    };
  };
  return (tokens) => ({
    content: tokens.map(({ tokenId, logProb, top = [] }) => ({
      ...entry(tokenId, logProb),
      top_logprobs: top.map((one) => entry(one.tokenId, one.logProb)),
    })),
    refusal: null,
  });
}

export interface TextLogProbOptions {
  /** Write tokens as token_id:N. */
  readonly asIds: boolean;
  /** Likeliest tokens that are wanted; the token itself comes in addition. */
  readonly count: number;
}

/** Of one answer, for offsets go on from call to call: in code points of the text. */
export function textLogProbs(tokenizer: Tokenizer, { asIds, count }: TextLogProbOptions): LogProbShape {
  const text: TextStream = tokenizer.decoder();
  let offset = 0;
  const name = (tokenId: number) => (asIds ? `token_id:${tokenId}` : nameOf(tokenizer.tokenBytes(tokenId)));
  return (tokens) => ({
    tokens: tokens.map(({ tokenId }) => name(tokenId)),
    token_logprobs: tokens.map(({ logProb }) => (logProb === undefined ? null : finite(logProb))),
    top_logprobs:
      count === 0
        ? null
        : tokens.map(({ tokenId, logProb, top = [] }) =>
            logProb === undefined
              ? null
              : Object.fromEntries(
                  [...top, { tokenId, logProb }].map((one) => [name(one.tokenId), finite(one.logProb)]),
                ),
          ),
    text_offset: tokens.map(({ tokenId }) => {
      const begin = offset;
      offset += [...text.push(tokenId)].length;
      return begin;
    }),
  });
}

/** JSON has no −Infinity; OpenAI writes so where a probability is too small to matter. */
function finite(logProb: number): number {
  return Math.max(-9999, logProb);
}

/** A token that is no whole text is written by its bytes, as OpenAI does. */
function nameOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return `bytes:${Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")}`;
  }
}
