/** A conversation as the model reads it, with the place of every message in that text. */
import { type ChatMessage, renderChat } from "../tokenizer/chat-template.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { MessageSpan, RenderedPrompt } from "./cache-doctor-advice.ts";

/**
 * Renders messages up to where the answer begins. A message that the template leaves out or rewrites has an empty span, at
 * the place where the search for it began. Throws as renderChat() does.
 */
export function renderWithSpans(tokenizer: Tokenizer, messages: readonly ChatMessage[]): RenderedPrompt {
  const tokens = renderChat(tokenizer, [...messages]);
  const text = tokenizer.decode(tokens, { special: true });
  // The same conversation with short names for messages, without letters to be rewritten, shows what is written around them.
  const names = messages.map((_, i) => `~${i}~`);
  const named = renderChat(
    tokenizer,
    messages.map(({ role }, i) => ({ role, content: names[i] })),
  );
  const frame = tokenizer.decode(named, { special: true });
  const spans: MessageSpan[] = [];
  let framePlace = 0;
  let place = 0;
  for (const [i, { role, content }] of messages.entries()) {
    const found = frame.indexOf(names[i], framePlace);
    const between = frame.slice(framePlace, Math.max(found, framePlace));
    // Right at `place`, but behind a message that was rewritten.
    const start = found < 0 ? -1 : text.indexOf(between, place);
    if (start >= 0) {
      place = start + between.length;
      framePlace = found + names[i].length;
    }
    // Templates trim what a message begins and ends with.
    const written = start < 0 ? undefined : [content, content.trim()].find((form) => text.startsWith(form, place));
    spans.push({ role, begin: place, end: place + (written ?? "").length });
    place += (written ?? "").length;
  }
  return { tokens, text, messages: spans };
}

/** A prompt that no template goes around. */
export function renderPlain(tokenizer: Tokenizer, prompt: string): RenderedPrompt {
  const tokens = tokenizer.encode(prompt);
  return { tokens, text: tokenizer.decode(tokens, { special: true }), messages: [] };
}
