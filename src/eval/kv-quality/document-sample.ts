/** A document as a prompt: its beginning is the context, what follows is the continuation. Nothing is asked. */
import { InputError } from "../../runtime/errors.ts";
import type { Tokenizer } from "../../tokenizer/tokenizer.ts";
import type { KvQualitySample } from "./types.ts";

export interface DocumentSampleOptions {
  /** Tokens of the context. */
  readonly contextTokens: number;
  /** Tokens of the continuation, and most tokens of the answers. */
  readonly continuationTokens: number;
}

export function documentSample(
  tokenizer: Pick<Tokenizer, "encode" | "decode">,
  { name, text }: { name: string; text: string },
  { contextTokens, continuationTokens }: DocumentSampleOptions,
): KvQualitySample {
  const tokenIds = tokenizer.encode(text, { bos: false });
  const needed = contextTokens + continuationTokens;
  if (tokenIds.length < needed)
    throw new InputError(
      `document ${name}: expected at least ${needed} tokens, got ${tokenIds.length}. Ask for less.`,
      {
        expected: needed,
        got: tokenIds.length,
      },
    );
  const beginning = tokenizer.decode(tokenIds.subarray(0, contextTokens));
  const both = tokenizer.decode(tokenIds.subarray(0, needed));
  // Where tokens are cut inside a character, the beginning ends in a replacement for it: all of it goes to what follows.
  let cut = beginning.length;
  while (!both.startsWith(beginning.slice(0, cut))) cut--;
  return {
    id: name,
    task: "document",
    parts: { context: both.slice(0, cut), question: "" },
    continuation: both.slice(cut),
    references: [],
    maxTokens: continuationTokens,
  };
}
