/** From a prompt's parts to what a model reads, in each of the three modes. */
import { commonPrefix } from "../engine/shared-prefix.ts";
import { type ChatMessage, renderChat } from "../tokenizer/chat-template.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { Parts, PromptMode } from "./types.ts";

export function userText({ context, question }: Parts): string {
  return context + question;
}

export function messagesOf(parts: Parts): ChatMessage[] {
  const user = { role: "user", content: userText(parts) };
  return parts.system === undefined ? [user] : [{ role: "system", content: parts.system }, user];
}

/** The prefix loses its leading space where the text before it ends in white space already, as an assistant's header does. */
export function joinPrefix(rendered: string, prefix: string): string {
  return /\s$/.test(rendered) ? prefix.trimStart() : prefix;
}

/** All tokens of a prompt. In raw mode a system text stands above the context. */
export function renderParts(tokenizer: Tokenizer, parts: Parts, mode: PromptMode): Int32Array {
  const { system, answerPrefix = "" } = parts;
  if (mode === "raw") {
    const head = system === undefined ? "" : `${system}\n\n`;
    return tokenizer.encode(head + userText(parts) + answerPrefix);
  }
  const ids = renderChat(tokenizer, messagesOf(parts), { addGenerationPrompt: true });
  if (mode === "chat" || answerPrefix === "") return ids;
  const header = tokenizer.decode(ids.subarray(-8), { special: true });
  const prefix = tokenizer.encode(joinPrefix(header, answerPrefix), { bos: false });
  const all = new Int32Array(ids.length + prefix.length);
  all.set(ids);
  all.set(prefix, ids.length);
  return all;
}

/** Counts prompts and texts in a model's own tokens, for createCell(). */
export function counterOf(tokenizer: Tokenizer, mode: PromptMode) {
  return {
    promptTokens: (parts: Parts) => renderParts(tokenizer, parts, mode).length,
    countTokens: (text: string) => tokenizer.encode(text, { bos: false }).length,
  };
}

/**
 * The tokens up to the question, and the rest: together all tokens of the prompt. The cut falls on a token boundary at
 * or before the place where the question begins, because a token may hold the end of one and the beginning of the other.
 */
export function splitAtQuestion(
  tokenizer: Tokenizer,
  parts: Parts,
  mode: PromptMode,
): { contextIds: Int32Array; restIds: Int32Array } {
  const whole = renderParts(tokenizer, parts, mode);
  const other = renderParts(tokenizer, { ...parts, question: "\u{10fffd}", answerPrefix: undefined }, mode);
  const cut = commonPrefix(whole, other);
  return { contextIds: whole.slice(0, cut), restIds: whole.slice(cut) };
}
