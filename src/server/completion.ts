/** One request from its prompt to its answers: reads, writes `n` answers in copies, and counts. */
import type { Session } from "../engine/types.ts";
import type { Sampling } from "./chat-request.ts";
import type { PrefixPool } from "./prefix-pool.ts";

export interface CompletionOptions {
  readonly promptIds: Int32Array;
  readonly maxTokens: number;
  readonly sampling: Sampling;
  readonly stop: readonly string[];
  readonly ignoreEnd: boolean;
  readonly n: number;
  readonly signal: AbortSignal;
}

export type CompletionEvent =
  | { readonly type: "reading"; readonly done: number; readonly total: number }
  /** The prompt is read. */
  | { readonly type: "read"; readonly cachedTokens: number; readonly seconds: number }
  | { readonly type: "text"; readonly index: number; readonly text: string }
  | { readonly type: "end"; readonly index: number; readonly reason: "stop" | "length"; readonly tokens: number };

/** Calls `onEvent` in order; resolves when all answers have ended. Rejects with the signal's reason if it aborts. */
export async function complete(
  pool: PrefixPool,
  { promptIds, signal, n, ...options }: CompletionOptions,
  onEvent: (event: CompletionEvent) => void | Promise<void>,
): Promise<void> {
  const start = performance.now();
  const { session, cachedTokens } = await pool.read(promptIds, {
    signal,
    onProgress: (done, total) => void onEvent({ type: "reading", done, total }),
  });
  try {
    await onEvent({ type: "read", cachedTokens, seconds: (performance.now() - start) / 1000 });
    for (let index = 0; index < n; index++) {
      const isLast = index === n - 1;
      const own = isLast ? session : await session.fork();
      try {
        await write(own, index, { ...options, signal }, onEvent);
      } finally {
        if (!isLast) await own.dispose();
      }
    }
  } finally {
    await session.dispose();
  }
}

async function write(
  session: Session,
  index: number,
  { maxTokens, sampling, stop, ignoreEnd, signal }: Omit<CompletionOptions, "promptIds" | "n">,
  onEvent: (event: CompletionEvent) => void | Promise<void>,
): Promise<void> {
  let tokens = 0;
  const seed = sampling.seed === undefined ? undefined : sampling.seed + index;
  for await (const token of session.generate({ ...sampling, seed, maxTokens, stop: [...stop], ignoreEnd, signal })) {
    tokens++;
    if (token.text) await onEvent({ type: "text", index, text: token.text });
  }
  await onEvent({ type: "end", index, reason: tokens >= maxTokens ? "length" : "stop", tokens });
}
