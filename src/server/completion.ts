/** One request from its prompts to its answers: reads each prompt, writes `n` answers to it in copies at the same time, and counts. */
import type { GeneratedToken, Session } from "../engine/types.ts";
import type { Sampling } from "./chat-request.ts";
import type { GrammarConstraint } from "./grammar/grammar.ts";
import type { ReadOptions, ReadPrompt } from "./prefix-pool.ts";
import type { PromptToken } from "./prompt-log-probs.ts";
import { together } from "./together.ts";
import { type ToolCallOptions, ToolCallReader } from "./tool-calls.ts";
import type { Trace } from "./trace.ts";

export interface CompletionOptions {
  /** Answer i to prompt p has the index p · n + i. */
  readonly prompts: readonly Int32Array[];
  /** 0: prompts are read only. */
  readonly maxTokens: number;
  readonly sampling: Sampling;
  readonly stop: readonly string[];
  readonly ignoreEnd: boolean;
  readonly n: number;
  /** If given, tokens come with their log probabilities and those of so many of the likeliest. */
  readonly logProbs?: number;
  /** Made for each answer. */
  readonly constraint?: () => Promise<GrammarConstraint>;
  /** Calls of tools are read out of the text. */
  readonly readsCalls?: ToolCallOptions;
  /** Of a single answer: called when it is written. */
  readonly trace?: (session: Session, cachedTokens: number) => Promise<Trace>;
  readonly signal: AbortSignal;
}

export interface PromptReader {
  read(ids: Int32Array, options: ReadOptions): Promise<ReadPrompt & { readonly logProbs?: readonly PromptToken[] }>;
}

export type FinishReason = "stop" | "length" | "tool_calls";

/** Of an answer, with the tokens since its last piece. */
export type AnswerPiece =
  | { readonly type: "text"; readonly text: string }
  /** The call-th call of a tool begins. */
  | { readonly type: "call"; readonly call: number; readonly id: string; readonly name: string }
  /** More of its arguments, which are JSON. */
  | { readonly type: "arguments"; readonly call: number; readonly text: string };

export type CompletionEvent =
  | { readonly type: "reading"; readonly done: number; readonly total: number }
  /** A prompt is read. */
  | {
      readonly type: "read";
      readonly prompt: number;
      readonly cachedTokens: number;
      readonly seconds: number;
      readonly logProbs?: readonly PromptToken[];
    }
  | (AnswerPiece & { readonly index: number; readonly tokens: readonly GeneratedToken[] })
  | { readonly type: "traced"; readonly trace: Trace }
  | {
      readonly type: "end";
      readonly index: number;
      readonly reason: FinishReason;
      readonly tokens: number;
      /** All that were written; those of a stop string as well. */
      readonly tokenIds: readonly number[];
    };

export type OnEvent = (event: CompletionEvent) => void | Promise<void>;

const MOST_ANSWERS_AT_ONCE = 16;

/**
 * Calls `onEvent` in order for each answer; answers to one prompt, and some prompts, are written at the same time. Resolves when
 * all have ended. Rejects with what first went wrong, or the signal's reason, when nothing runs any more.
 */
export async function complete(reader: PromptReader, options: CompletionOptions, onEvent: OnEvent): Promise<void> {
  const { prompts, n } = options;
  let next = 0;
  const lane = async (signal: AbortSignal) => {
    while (next < prompts.length) await answerPrompt(reader, next++, { ...options, signal }, onEvent);
  };
  const lanes = Math.min(prompts.length, Math.max(1, Math.floor(MOST_ANSWERS_AT_ONCE / n)));
  await together(Array<typeof lane>(lanes).fill(lane), options.signal);
}

async function answerPrompt(reader: PromptReader, prompt: number, options: CompletionOptions, onEvent: OnEvent) {
  const { prompts, n, trace, signal } = options;
  const start = performance.now();
  const { session, cachedTokens, logProbs } = await reader.read(prompts[prompt], {
    signal,
    onProgress: (done, total) => void onEvent({ type: "reading", done, total }),
  });
  const forks: Session[] = [];
  try {
    const seconds = (performance.now() - start) / 1000;
    await onEvent({ type: "read", prompt, cachedTokens, seconds, logProbs });
    while (forks.length < (trace ? n : n - 1)) forks.push(await session.fork({ trace: trace !== undefined }));
    const writing = [...forks, session].slice(0, n);
    await together(
      writing.map((own, i) => (signal) => write(own, prompt * n + i, { ...options, signal }, onEvent)),
      signal,
    );
    if (trace) await onEvent({ type: "traced", trace: await trace(writing[0], cachedTokens) });
  } finally {
    for (const own of [...forks, session]) await own.dispose();
  }
}

async function write(session: Session, index: number, options: CompletionOptions, onEvent: OnEvent): Promise<void> {
  const { maxTokens, sampling, stop, ignoreEnd, logProbs, signal } = options;
  const seed = sampling.seed === undefined ? undefined : sampling.seed + index;
  const calls = options.readsCalls && new ToolCallReader(options.readsCalls);
  const constraint = await options.constraint?.();
  const tokenIds: number[] = [];
  let unsaid: GeneratedToken[] = [];
  const say = async (pieces: readonly AnswerPiece[]) => {
    for (const piece of pieces) {
      await onEvent({ ...piece, index, tokens: unsaid });
      unsaid = [];
    }
  };
  const piecesOf = (text: string): AnswerPiece[] => (text ? [{ type: "text", text }] : []);
  try {
    if (maxTokens > 0)
      for await (const token of session.generate({
        ...{ ...sampling, seed, maxTokens, stop: [...stop], ignoreEnd, logProbs, constraint, signal },
      })) {
        tokenIds.push(token.tokenId);
        unsaid.push(token);
        await say(calls ? calls.push(token.text) : piecesOf(token.text));
      }
    if (calls) await say(calls.end());
    if (unsaid.length > 0) await say([{ type: "text", text: "" }]);
  } finally {
    constraint?.dispose();
  }
  const ended = calls && calls.complete > 0 ? "tool_calls" : "stop";
  const tokens = tokenIds.length;
  await onEvent({ type: "end", index, reason: tokens >= maxTokens ? "length" : ended, tokens, tokenIds });
}
