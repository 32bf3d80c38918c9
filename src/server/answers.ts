/** Answers in OpenAI's shapes: whole, and in chunks. */
import { randomUUID } from "node:crypto";
import type { FinishReason } from "./completion.ts";

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

/** A call of a tool, as messages have it. */
export interface Call {
  readonly id: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: string };
}

export interface Choice {
  readonly index: number;
  readonly text: string;
  readonly calls: readonly Call[];
  readonly logProbs?: object;
  readonly tokenIds?: readonly number[];
  /** Of a plain completion. */
  readonly promptIds?: readonly number[];
  readonly reason: FinishReason;
}

export function wholeAnswer(kind: Kind, heading: Heading, choices: readonly Choice[], usage: Usage): object {
  const isChat = kind === "chat";
  return {
    ...heading,
    object: isChat ? "chat.completion" : "text_completion",
    choices: choices.map(({ index, text, calls, logProbs = null, tokenIds, promptIds, reason }) => ({
      index,
      ...(isChat ? { message: messageOf(text, calls) } : { text }),
      logprobs: logProbs,
      finish_reason: reason,
      ...idsOf(tokenIds, isChat ? undefined : promptIds),
    })),
    usage,
    ...(isChat && idsOf(undefined, choices[0]?.promptIds)),
  };
}

function messageOf(text: string, calls: readonly Call[]): object {
  const content = text === "" && calls.length > 0 ? null : text;
  return { role: "assistant", content, refusal: null, ...(calls.length > 0 && { tool_calls: calls }) };
}

/** vLLM's names. */
function idsOf(tokenIds: readonly number[] | undefined, promptIds: readonly number[] | undefined): object {
  return { ...(tokenIds && { token_ids: tokenIds }), ...(promptIds && { prompt_token_ids: promptIds }) };
}

/** What a chunk says of one choice: that it begins, more of it, or why it ended. */
export interface Piece {
  readonly index: number;
  readonly begins?: true;
  readonly text?: string;
  /** A call begins, or has more arguments. */
  readonly call?: { readonly index: number; readonly id?: string; readonly name?: string; readonly arguments: string };
  readonly logProbs?: object;
  readonly tokenIds?: readonly number[];
  readonly promptIds?: readonly number[];
  readonly reason?: FinishReason;
}

/** With `usage` in all chunks where the client asked for it: null but in the last. */
export function chunk(kind: Kind, heading: Heading, pieces: readonly Piece[], usage?: Usage | null): object {
  return {
    ...heading,
    object: kind === "chat" ? "chat.completion.chunk" : "text_completion",
    choices: pieces.map((piece) => ({
      index: piece.index,
      ...(kind === "chat" ? { delta: deltaOf(piece) } : { text: piece.text ?? "" }),
      logprobs: piece.logProbs ?? null,
      finish_reason: piece.reason ?? null,
      ...idsOf(piece.tokenIds, piece.promptIds),
    })),
    ...(usage !== undefined && { usage }),
  };
}

function deltaOf({ begins, text, call }: Piece): object {
  if (begins) return { role: "assistant", content: "" };
  if (!call) return text === undefined ? {} : { content: text };
  const { index, id, name, arguments: more } = call;
  const named = name === undefined ? {} : { id, type: "function" };
  return { tool_calls: [{ index, ...named, function: { ...(name !== undefined && { name }), arguments: more } }] };
}
