/** The controller's side of speculation: guessed tokens are computed together, and kept as far as the model chooses them too. */
import type { Decoder } from "../model/decoder.ts";
import type { Sampled } from "./log-probs.ts";
import type { Sequence } from "./sequence.ts";

/**
 * Computes a token and `draft`, which may follow it; gives what the model says after the token and after every guess that was
 * right. `sample` chooses from logits, row by row, as steps of their own would have it, so what is chosen and drawn is the same.
 * The sequence then holds the token and the right guesses, with the logits after the last of them.
 */
export function stepAhead(
  decoder: Decoder,
  sequence: Sequence,
  tokenIds: Int32Array,
  sample: (logits: Float32Array) => Sampled,
): Sampled[] {
  const { vocabularySize } = decoder.config;
  const begin = sequence.length;
  sequence.runAhead(decoder, tokenIds);
  const { logits, stride } = decoder.logits(0, tokenIds.length);
  const next: Sampled[] = [];
  for (let row = 0; row < tokenIds.length; row++) {
    if (row > 0 && next[row - 1].tokenId !== tokenIds[row]) break;
    next.push(sample(logits.subarray(row * stride, row * stride + vocabularySize)));
  }
  const last = next.length - 1;
  const held = sequence.truncate(begin + next.length);
  if (held !== begin + next.length) throw new Error(`speculation: ${held} tokens are left of ${begin + next.length}`);
  sequence.logits = logits.slice(last * stride, last * stride + vocabularySize);
  return next;
}
