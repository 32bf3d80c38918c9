/** One prompt in one session: read, answered, and read again along given tokens for the logits of every step. */
import type { Session } from "../../engine/types.ts";
import { concat } from "../perplexity/document.ts";

/** Token ids of a prompt; the question may begin a little before the rest does. */
export interface PromptIds {
  readonly contextIds: Int32Array;
  readonly restIds: Int32Array;
}

export interface TrialOptions {
  /**
   * false: the context is read before the question is known, in a call of its own, as for a context that serves many
   * questions. true: one call reads all. Where a plan drops tokens after a call, the second is far easier.
   */
  readonly questionKnown: boolean;
  readonly signal?: AbortSignal;
  /** Prompt tokens read. */
  onProgress?(done: number): void;
}

/** Greedy, and what it took. */
export interface Answer {
  readonly tokenIds: readonly number[];
  readonly text: string;
  readonly prefillSeconds: number;
  readonly decodeSeconds: number;
  /** Of the whole sequence, prompt and answer. */
  readonly cacheBytes: number;
  readonly tokens: number;
}

export async function answer(
  session: Session,
  { contextIds, restIds }: PromptIds,
  { maxTokens, stop = [] }: { readonly maxTokens: number; readonly stop?: readonly string[] },
  options: TrialOptions,
): Promise<Answer> {
  const start = performance.now();
  const ids = concat(contextIds, restIds);
  await readTo(session, ids, ids.length, contextIds.length, options);
  const wasRead = performance.now();
  const tokenIds: number[] = [];
  let text = "";
  for await (const token of session.generate({ maxTokens, stop: [...stop], signal: options.signal })) {
    tokenIds.push(token.tokenId);
    text += token.text;
  }
  const end = performance.now();
  const { cacheBytes } = await session.memory();
  return {
    tokenIds,
    text,
    prefillSeconds: (wasRead - start) / 1000,
    decodeSeconds: (end - wasRead) / 1000,
    cacheBytes,
    tokens: session.length,
  };
}

/**
 * Reads `path` after the prompt and gives the logits after the prompt and after each of its tokens, row by row:
 * path.length + 1 rows. Only these rows' logits are computed; a row is valid until `onRow` returns.
 */
export async function follow(
  session: Session,
  { contextIds, restIds }: PromptIds,
  path: readonly number[],
  vocabularySize: number,
  options: TrialOptions,
  onRow: (logits: Float32Array, row: number) => void,
): Promise<void> {
  const ids = concat(contextIds, restIds);
  const last = ids.length - 1;
  await session.truncate(last);
  await readTo(session, ids, last, contextIds.length, { ...options, onProgress: undefined });
  await session.prefill([ids[last], ...path], {
    signal: options.signal,
    compress: false,
    onLogits: (logits, firstRow) => {
      for (let row = 0; row < logits.length / vocabularySize; row++)
        onRow(logits.subarray(row * vocabularySize, (row + 1) * vocabularySize), firstRow + row);
    },
  });
}

/** Reads on from what the session holds to `end`, with a call of its own up to `contextEnd` if the question is not known. */
async function readTo(
  session: Session,
  ids: Int32Array,
  end: number,
  contextEnd: number,
  { questionKnown, signal, onProgress }: TrialOptions,
): Promise<void> {
  for (const [i, stop] of (questionKnown ? [end] : [Math.min(contextEnd, end), end]).entries()) {
    const from = session.length;
    if (from >= stop) continue;
    // The budget is the context's: nothing is dropped again for a question that comes after it.
    const compress = i === 0;
    await session.prefill(ids.subarray(from, stop), {
      signal,
      compress,
      onProgress: (done) => onProgress?.(from + done),
    });
  }
}
