/**
 * The words of the OpenAI API that we use, and the dialects of llama.cpp's server and vLLM.
 * Format: https://platform.openai.com/docs/api-reference (completions, chat), llama.cpp tools/server/README.md.
 */
import type { ChatMessage } from "../../../tokenizer/chat-template.ts";
import type { Generation } from "../../types.ts";

export const paths = {
  models: "/v1/models",
  completions: "/v1/completions",
  chat: "/v1/chat/completions",
  tokenize: "/tokenize",
  props: "/props",
} as const;

/** A prompt as it goes to the server: a text, or a conversation whose last turn may be left open. */
export type Prompt =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "chat"; readonly messages: readonly ChatMessage[]; readonly opening?: string };

export interface Completion {
  readonly text: string;
  readonly finish: Generation["finish"];
  /** All of the prompt, cached tokens included. */
  readonly promptTokens?: number;
  readonly cachedTokens?: number;
  readonly outputTokens?: number;
  readonly prefillSeconds?: number;
  readonly decodeSeconds?: number;
}

export interface LogProbabilities {
  readonly tokens: readonly string[];
  /** Natural logarithms; null where nothing comes before the token. */
  readonly logProbs: readonly (number | null)[];
}

/** Newer chat models of OpenAI refuse `max_tokens`. */
export type LimitName = "max_tokens" | "max_completion_tokens";

export interface CompletionRequest {
  readonly model: string;
  readonly prompt: Prompt;
  readonly maxTokens: number;
  readonly stop?: readonly string[];
  readonly limitName: LimitName;
}

/** Greedy, and the same again where a server samples all the same. */
const greedy = { temperature: 0, seed: 1234, stream: false };

export function completionBody({ model, prompt, maxTokens, stop, limitName }: CompletionRequest): object {
  const common = { model, ...greedy, [limitName]: maxTokens, ...(stop && stop.length > 0 ? { stop } : {}) };
  if (prompt.kind === "text") return { ...common, prompt: prompt.text };
  const { messages, opening } = prompt;
  if (opening === undefined) return { ...common, messages };
  return {
    ...common,
    messages: [...messages, { role: "assistant", content: opening }],
    add_generation_prompt: false,
    continue_final_message: true,
  };
}

/** lm-evaluation-harness's request for the log probabilities of a prompt. */
export function echoBody(model: string, text: string): object {
  return { model, ...greedy, prompt: text, max_tokens: 1, echo: true, logprobs: 1 };
}

export function readCompletion(json: unknown): Completion {
  const { choices, usage, timings } = json as {
    choices?: { text?: unknown; message?: { content?: unknown }; finish_reason?: unknown }[];
    usage?: {
      prompt_tokens?: number;
      completion_tokens?: number;
      prompt_tokens_details?: { cached_tokens?: number } | null;
    } | null;
    timings?: { prompt_ms?: number; predicted_ms?: number };
  };
  const choice = choices?.[0];
  // A model that only thought has a message without content.
  const text = choice?.message ? (choice.message.content ?? "") : choice?.text;
  if (typeof text !== "string") throw new Error("no choices[0] with a text");
  const limited = choice?.finish_reason === "length" || choice?.finish_reason === "max_tokens";
  return {
    text,
    finish: limited ? "length" : "stop",
    promptTokens: usage?.prompt_tokens,
    cachedTokens: usage?.prompt_tokens_details?.cached_tokens,
    outputTokens: usage?.completion_tokens,
    prefillSeconds: seconds(timings?.prompt_ms),
    decodeSeconds: seconds(timings?.predicted_ms),
  };
}

/** Those of the prompt, without the token that had to be generated; undefined where the server does not echo. */
export function readEcho(json: unknown): LogProbabilities | undefined {
  const { choices, usage } = json as {
    choices?: { logprobs?: { tokens?: string[]; token_logprobs?: (number | null)[] } | null }[];
    usage?: { prompt_tokens?: number } | null;
  };
  const { tokens, token_logprobs: logProbs } = choices?.[0]?.logprobs ?? {};
  if (!Array.isArray(tokens) || !Array.isArray(logProbs) || tokens.length < 2) return undefined;
  const length = Math.min(usage?.prompt_tokens ?? tokens.length - 1, tokens.length);
  return { tokens: tokens.slice(0, length), logProbs: logProbs.slice(0, length) };
}

export function readTokenCount(json: unknown): number {
  const { count, tokens } = json as { count?: unknown; tokens?: unknown };
  if (typeof count === "number") return count;
  if (Array.isArray(tokens)) return tokens.length;
  throw new Error("neither count nor tokens");
}

function seconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : milliseconds / 1000;
}
