/** Answers in Anthropic's shapes: whole, and as events. */
import { randomUUID } from "node:crypto";

export type StopReason = "end_turn" | "max_tokens" | "stop_sequence" | "tool_use";

export interface Ending {
  readonly stop_reason: StopReason;
  readonly stop_sequence: string | null;
}

/** Tokens of the prompt are of three kinds that add up: read before, read now up to the last mark, and the rest. */
export interface MessagesUsage {
  readonly input_tokens: number;
  readonly cache_creation_input_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly output_tokens: number;
}

export interface AnswerHeading {
  readonly id: string;
  readonly type: "message";
  readonly role: "assistant";
  readonly model: string;
}

export type AnswerBlock =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "tool_use"; readonly id: string; readonly name: string; readonly input: unknown };

export function answerHeading(model: string): AnswerHeading {
  return { id: `msg_${randomUUID().replaceAll("-", "")}`, type: "message", role: "assistant", model };
}

export interface UsageFacts {
  readonly promptTokens: number;
  readonly cachedTokens: number;
  /** Of the prompt, up to the last mark. */
  readonly markedTokens: number;
  readonly outputTokens: number;
}

export function messagesUsage({ promptTokens, cachedTokens, markedTokens, outputTokens }: UsageFacts): MessagesUsage {
  const created = Math.max(0, markedTokens - cachedTokens);
  return {
    input_tokens: promptTokens - cachedTokens - created,
    cache_creation_input_tokens: created,
    cache_read_input_tokens: cachedTokens,
    output_tokens: outputTokens,
  };
}

/** Which stop string ended a text: the one that is complete first, as StopText finds it. */
export function stopIn(text: string, stops: readonly string[]): string | null {
  const hits = stops
    .filter((stop) => stop.length > 0 && text.includes(stop))
    .map((stop) => ({ stop, begin: text.indexOf(stop) }))
    .sort((a, b) => a.begin + a.stop.length - (b.begin + b.stop.length) || a.begin - b.begin);
  return hits[0]?.stop ?? null;
}
