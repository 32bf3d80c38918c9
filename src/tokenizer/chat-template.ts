/**
 * Conversations to token ids with the chat template of the file (Jinja, as Hugging Face's `apply_chat_template`).
 *
 * What the template writes may be a control token; what a message or a tool contains never is. Where a text spells out a
 * control token, or could complete one together with its surroundings, a guard character is put inside. The template
 * is rendered with guarded messages, the result is cut at control tokens, and only then are the guards removed: text
 * between two control tokens is tokenised as a whole, so harmless messages give the ids of the rendered string.
 */
import { Template } from "@huggingface/jinja";
import { InputError, UnsupportedError } from "../runtime/errors.ts";
import { IdBuffer } from "./id-buffer.ts";
import { TokenMatcher } from "./token-matcher.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { knowsTools, withToolsAsText } from "./tool-prompt.ts";

export interface ChatMessage {
  role: string;
  content: string;
  /** What an assistant has called. Names are the templates'. */
  tool_calls?: readonly ToolCall[];
  /** Of a tool's message: the call that it answers. */
  tool_call_id?: string;
  name?: string;
}

export interface ToolCall {
  readonly id?: string;
  readonly type: "function";
  /** Arguments are an object, or text where what was given is no JSON. */
  readonly function: { readonly name: string; readonly arguments: unknown };
}

/** A tool as OpenAI describes it; templates write it as JSON. */
export type ToolDescription = Readonly<Record<string, unknown>>;

export interface ChatOptions {
  /** Default: true. */
  addGenerationPrompt?: boolean;
  /** Told by the template, or in the system message where it knows of none. */
  tools?: readonly ToolDescription[];
}

type SpecialToken = readonly [text: string, id: number];

/** A Unicode noncharacter: for internal use, never part of interchanged text. */
const GUARD = "\ufdd0";
const roles = ["system", "developer", "user", "assistant", "tool", "function"];

export function hasChat(tokenizer: Tokenizer): boolean {
  return tokenizer.chatTemplate !== undefined;
}

export function renderChat(
  tokenizer: Tokenizer,
  messages: readonly ChatMessage[],
  { addGenerationPrompt = true, tools = [] }: ChatOptions = {},
): Int32Array {
  // A token of one character cannot hold a guard, so it is text.
  const special = [...tokenizer.specialTokens].filter(([text]) => text.length > 1);
  const matcher = new TokenMatcher(special);
  const guardAll = <T>(value: T): T =>
    mapTexts(value, (text) => guard(text.replaceAll(GUARD, "\ufffd"), special, matcher)) as T;
  const isTold = knowsTools(tokenizer.chatTemplate ?? "");
  const guarded = (isTold ? messages : withToolsAsText(messages, tools)).map(({ role, ...message }) => {
    // A role stands inside control tokens in some templates ('<|' + role + '|>'), so it is one of the usual words.
    if (!roles.includes(role))
      throw new InputError(`chat: expected a role out of ${roles.join(", ")}, got "${role}". Correct the message.`, {
        expected: roles,
        got: role,
      });
    return { role, ...guardAll(message) };
  });
  const out = new IdBuffer();
  matcher.split(
    renderTemplate(tokenizer, guarded, { addGenerationPrompt, tools: isTold ? guardAll(tools) : [] }),
    (text) => {
      const ids = tokenizer.encode(text.replaceAll(GUARD, ""), { bos: false });
      out.append(ids, 0, ids.length);
    },
    (id) => out.push(id),
  );
  const ids = out.toArray();
  // A model that was trained with BOS needs it, whether or not its template writes it.
  if (!tokenizer.addBos || ids[0] === tokenizer.bosId) return ids;
  const withBos = new Int32Array(ids.length + 1);
  withBos[0] = tokenizer.bosId!;
  withBos.set(ids, 1);
  return withBos;
}

/** The same value with other texts, keys included. */
function mapTexts(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === "string") return map(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, map));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [map(key), mapTexts(member, map)]));
}

/** Puts guards where a text holds a control token, or could hold its beginning, its end or its middle. */
function guard(text: string, special: readonly SpecialToken[], matcher: TokenMatcher): string {
  const guarded = breakTokens(text, special, matcher);
  const core = guarded.trim(); // templates trim messages, so the guard goes inside the white space
  if (core === "") return guarded;
  const start = guarded.indexOf(core);
  const end = start + core.length;
  const opens = special.some(([token]) => token.includes(core) || endsInside(token, core));
  const closes = special.some(([token]) => beginsInside(token, core));
  return guarded.slice(0, start) + (opens ? GUARD : "") + core + (closes ? GUARD : "") + guarded.slice(end);
}

/** Puts a guard after the first character of every control token. Again until none is left: they may overlap. */
function breakTokens(text: string, special: readonly SpecialToken[], matcher: TokenMatcher): string {
  const textOf = new Map(special.map(([token, id]) => [id, token]));
  for (let unbroken = text; ; ) {
    const parts: string[] = [];
    let found = false;
    matcher.split(
      unbroken,
      (plain) => parts.push(plain),
      (id) => {
        const token = textOf.get(id)!;
        parts.push(token[0], GUARD, token.slice(1));
        found = true;
      },
    );
    if (!found) return unbroken;
    unbroken = parts.join("");
  }
}

/** Whether the text begins with a proper end of the token. */
function endsInside(token: string, text: string): boolean {
  for (let cut = 1; cut < token.length; cut++) if (text.startsWith(token.slice(cut))) return true;
  return false;
}

/** Whether the text ends with a proper beginning of the token. */
function beginsInside(token: string, text: string): boolean {
  for (let cut = 1; cut < token.length; cut++) if (text.endsWith(token.slice(0, cut))) return true;
  return false;
}

function renderTemplate(
  tokenizer: Tokenizer,
  messages: readonly ChatMessage[],
  { addGenerationPrompt, tools }: Required<ChatOptions>,
): string {
  const { chatTemplate, bosId, eosId } = tokenizer;
  if (chatTemplate === undefined)
    throw new UnsupportedError(
      "chat: expected a model with a chat template, got one without (a base model). Give it a plain prompt instead.",
    );
  const textOf = (id: number | undefined) => (id === undefined ? "" : tokenizer.decode([id], { special: true }));
  try {
    return new Template(chatTemplate).render({
      messages,
      ...(tools.length > 0 && { tools }),
      add_generation_prompt: addGenerationPrompt,
      bos_token: textOf(bosId),
      eos_token: textOf(eosId),
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InputError(
      `chat: expected messages that the model's template accepts, got "${reason}". Change their order or roles.`,
      { got: reason },
    );
  }
}
