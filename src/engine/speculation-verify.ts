/** The controller's side of speculation: guessed tokens are computed together, and kept as far as the model chooses them too. */
import type { Decoder } from "../model/decoder.ts";
import type { LayerShape } from "./layer-shapes.ts";
import type { Sampled } from "./log-probs.ts";
import { argmax } from "./sampler.ts";
import { Sequence } from "./sequence.ts";
import { LEAST_DRAFTED, rowsAhead } from "./speculation-room.ts";
import type { Draft, Stepped } from "./stepper.ts";

/**
 * Computes a token and as much of a draft as can be taken back where it is wrong; gives what the model says after the token and
 * after every guess that was right. Nothing is done where that much is not worth it. `sample` chooses from logits, row by row, as
 * steps of their own would have it, so what is chosen and drawn is the same. The sequence then holds the token and the right
 * guesses, with the logits after the last of them.
 */
export function stepAhead(
  { decoder, shapes }: { decoder: Decoder; shapes: readonly LayerShape[] },
  sequence: Sequence,
  { tokenId, draft = 0 }: { tokenId: number; draft?: Draft },
  sample: (logits: Float32Array) => Sampled,
): Stepped | undefined {
  const { vocabularySize } = decoder.config;
  const most = rowsAhead(sequence.length, shapes) - 1;
  const drafted = Math.min(most, typeof draft === "number" ? draft : draft.length);
  if (drafted < LEAST_DRAFTED) return undefined;
  const guesses =
    typeof draft === "number" ? draftItself(decoder, sequence, tokenId, drafted) : draft.slice(0, drafted);
  const tokenIds = Int32Array.of(tokenId, ...guesses);
  const begin = sequence.length;
  sequence.runAhead(decoder, tokenIds);
  const { logits, stride } = decoder.logits(0, tokenIds.length);
  const next: Sampled[] = [];
  for (let row = 0; row < tokenIds.length; row++) {
    if (row > 0 && next[row - 1].tokenId !== tokenIds[row]) break;
    next.push(sample(logits.subarray(row * stride, row * stride + vocabularySize)));
  }
  const last = next.length - 1;
  cut(sequence, begin + next.length);
  sequence.logits = logits.slice(last * stride, last * stride + vocabularySize);
  return { next, drafted };
}

/** The likeliest tokens after a token, one after the other, where only what `decode` chooses is seen. The sequence stays as it was. */
function draftItself(decoder: Decoder, sequence: Sequence, tokenId: number, count: number): number[] {
  const { vocabularySize } = decoder.config;
  const begin = sequence.length;
  const drafted: number[] = [];
  sequence.isDrafting = true;
  try {
    while (drafted.length < count) {
      Sequence.step(decoder, [sequence], Int32Array.of(drafted.at(-1) ?? tokenId));
      drafted.push(argmax(decoder.logits(0, 1).logits.subarray(0, vocabularySize)));
    }
  } finally {
    sequence.isDrafting = false;
    cut(sequence, begin);
  }
  return drafted;
}

/** To tokens that were there before what is given up was computed: no fewer may be left. */
export function cut(sequence: Sequence, length: number): void {
  const left = sequence.truncate(length);
  if (left !== length) throw new Error(`speculation: expected ${length} tokens to be left, got ${left}`);
}
