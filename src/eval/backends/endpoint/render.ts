/**
 * From a prompt's parts to what the server is sent. In chat+prefill the template is rendered here, with the model's own
 * tokenizer, and goes out as a plain text: NVIDIA's own RULER runs do the same (NeMo-Skills), because the chat API of
 * most servers cannot open an answer. vLLM's and llama.cpp's can, so a tokenizer is not needed there.
 */
import { UnsupportedError } from "../../../runtime/errors.ts";
import type { Tokenizer } from "../../../tokenizer/tokenizer.ts";
import { messagesOf, renderParts, userText } from "../../prompt.ts";
import type { Parts, PromptMode } from "../../types.ts";
import type { Capabilities } from "./probe.ts";
import type { Prompt } from "./protocol.ts";

export type Render = (parts: Parts) => Prompt;

/** The way of a mode through what the server can do; refuses a mode that it cannot do. */
export function chooseRender(mode: PromptMode, capabilities: Capabilities, tokenizer: Tokenizer | undefined): Render {
  const { completions, chat, continuesAnswer } = capabilities;
  if (mode === "raw") {
    if (completions) return renderRaw;
    throw new UnsupportedError(
      'mode "raw": expected a server with /v1/completions, got one without. Pass --mode chat.',
    );
  }
  if (mode === "chat") {
    if (chat) return (parts) => ({ kind: "chat", messages: messagesOf(parts) });
    throw new UnsupportedError(
      'mode "chat": expected a server with /v1/chat/completions, got one without. Pass --mode raw.',
    );
  }
  if (tokenizer && completions) return (parts) => ({ kind: "text", text: renderTemplate(tokenizer, parts) });
  if (continuesAnswer) return renderOpenTurn;
  throw new UnsupportedError(
    `mode "chat+prefill": expected ${completions ? "the model's tokenizer, or " : ""}a server that continues an open answer, got neither. ` +
      `Pass ${completions ? "--tokenizer MODEL with the GGUF file of the server's model, or " : ""}--mode chat.`,
  );
}

function renderRaw(parts: Parts): Prompt {
  const head = parts.system === undefined ? "" : `${parts.system}\n\n`;
  return { kind: "text", text: head + userText(parts) + (parts.answerPrefix ?? "") };
}

function renderOpenTurn(parts: Parts): Prompt {
  // Assistants' headers end in white space, and templates trim: the prefix begins with its first word.
  const opening = parts.answerPrefix?.trimStart();
  return { kind: "chat", messages: messagesOf(parts), ...(opening ? { opening } : {}) };
}

/** The rendered template as text, control tokens spelled out. Servers begin a completion with BOS themselves. */
function renderTemplate(tokenizer: Tokenizer, parts: Parts): string {
  const all = renderParts(tokenizer, parts, "chat+prefill");
  const ids = tokenizer.addBos && all[0] === tokenizer.bosId ? all.subarray(1) : all;
  const text = tokenizer.decode(ids, { special: true });
  const again = tokenizer.encode(text, { bos: false, special: true });
  if (again.length === ids.length && again.every((id, i) => id === ids[i])) return text;
  throw new UnsupportedError(
    `mode "chat+prefill": expected a prompt that can be sent as text, got one that reads differently on the server (${ids.length} tokens, ${again.length} as text): ` +
      "it spells out control tokens, or the tokenizer adds spaces. Pass --mode chat.",
    { expected: ids.length, got: again.length },
  );
}
