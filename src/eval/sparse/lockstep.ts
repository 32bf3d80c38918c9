/**
 * Two sessions read on by turns, a page of tokens at a time: the logits of a page are compared as they come, and no others are held
 * (a thousand rows of a vocabulary of 152K would be 620 MB).
 */
import type { Session } from "../../engine/types.ts";
import { PAGE_SLOTS } from "../../ops/attention.ts";
import { compareStep, type Step } from "../kv-quality/divergence.ts";

export interface LockstepOptions {
  readonly signal?: AbortSignal;
  /** Tokens that both have read. */
  onProgress?(done: number): void;
}

/** Both hold the same text up to a page's end. The last of the tokens is predicted, not read. */
export async function compareAlong(
  reference: Session,
  plan: Session,
  tokenIds: Int32Array,
  { signal, onProgress }: LockstepOptions = {},
): Promise<Step[]> {
  const end = tokenIds.length - 1;
  const steps: Step[] = [];
  while (steps.length < end) {
    const first = steps.length;
    const part = tokenIds.subarray(first, Math.min(end, first + PAGE_SLOTS));
    const tokensAfter = end - first - part.length;
    const expected = await rowsOf(reference, part, { tokensAfter, signal });
    const rows = await rowsOf(plan, part, { tokensAfter, signal });
    rows.forEach((row, i) => {
      steps.push(compareStep(expected[i], row, tokenIds[first + i + 1]));
    });
    onProgress?.(steps.length);
  }
  return steps;
}

/** The logits after each of the tokens. */
async function rowsOf(
  session: Session,
  tokenIds: Int32Array,
  options: { readonly tokensAfter: number; readonly signal?: AbortSignal },
): Promise<Float32Array[]> {
  const chunks: Float32Array[] = [];
  await session.prefill(tokenIds, { ...options, compress: false, onLogits: (logits) => chunks.push(logits) });
  const size = chunks.reduce((sum, { length }) => sum + length, 0) / tokenIds.length;
  return chunks.flatMap((logits) =>
    Array.from({ length: logits.length / size }, (_, row) => logits.subarray(row * size, (row + 1) * size)),
  );
}
