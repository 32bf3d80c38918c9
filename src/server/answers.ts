/** Answers in OpenAI's shapes: whole, and in chunks. */
import { randomUUID } from "node:crypto";

/** Chat or plain text: their objects differ in names only. */
export type Kind = "chat" | "text";

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
}

export function usageOf(promptTokens: number, cachedTokens: number, completionTokens: number): Usage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  };
}

export interface Heading {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly system_fingerprint: string;
}

export function heading(kind: Kind, model: string, version: string): Heading {
  const id = `${kind === "chat" ? "chatcmpl" : "cmpl"}-${randomUUID().replaceAll("-", "")}`;
  return { id, created: Math.floor(Date.now() / 1000), model, system_fingerprint: `longspan-${version}` };
}

export interface Choice {
  readonly index: number;
  readonly text: string;
  readonly reason: "stop" | "length";
}

export function wholeAnswer(kind: Kind, heading: Heading, choices: readonly Choice[], usage: Usage): object {
  return {
    ...heading,
    object: kind === "chat" ? "chat.completion" : "text_completion",
    choices: choices.map(({ index, text, reason }) => ({
      index,
      ...(kind === "chat" ? { message: { role: "assistant", content: text, refusal: null } } : { text }),
      logprobs: null,
      finish_reason: reason,
    })),
    usage,
  };
}

/** What a chunk says of one choice: that it begins, more text, or why it ended. */
export interface Piece {
  readonly index: number;
  readonly begins?: true;
  readonly text?: string;
  readonly reason?: "stop" | "length";
}

/** With `usage` in all chunks where the client asked for it: null but in the last. */
export function chunk(kind: Kind, heading: Heading, pieces: readonly Piece[], usage?: Usage | null): object {
  return {
    ...heading,
    object: kind === "chat" ? "chat.completion.chunk" : "text_completion",
    choices: pieces.map(({ index, begins, text, reason = null }) => ({
      index,
      ...(kind === "chat"
        ? { delta: begins ? { role: "assistant", content: "" } : text === undefined ? {} : { content: text } }
        : { text: text ?? "" }),
      logprobs: null,
      finish_reason: reason,
    })),
    ...(usage !== undefined && { usage }),
  };
}
