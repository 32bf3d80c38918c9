/**
 * Document first, question last, inside the model's chat template: the question is then read with the document in view,
 * and a second question shares everything before it. Models without a template get plain text to continue.
 */
import { type ChatMessage, hasChat, renderChat } from "../tokenizer/chat-template.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";

const WITH_DOCUMENT =
  "Answer the question from the document. Be brief and exact. If the document does not contain the answer, say so.";
const WITHOUT_DOCUMENT = "You are a helpful assistant. Be brief and exact.";

/** A finished exchange, or the open one while `answer` is missing. */
export interface Exchange {
  readonly question: string;
  readonly answer?: string;
}

/** Token ids up to where the next answer begins. Rendering one exchange more repeats the earlier ids. */
export function renderPrompt(tokenizer: Tokenizer, document: string, exchanges: readonly Exchange[]): Int32Array {
  return hasChat(tokenizer)
    ? renderChat(tokenizer, messagesOf(document, exchanges), { addGenerationPrompt: true })
    : renderPlain(tokenizer, document, exchanges);
}

/** Where generation must end besides the model's own end tokens: a plain continuation would go on to invent questions. */
export function stopsOf(tokenizer: Tokenizer): string[] {
  return hasChat(tokenizer) ? [] : ["\nQuestion:", "\n\n"];
}

function messagesOf(document: string, exchanges: readonly Exchange[]): ChatMessage[] {
  const messages: ChatMessage[] = [{ role: "system", content: document ? WITH_DOCUMENT : WITHOUT_DOCUMENT }];
  for (const [index, { question, answer }] of exchanges.entries()) {
    const content = index === 0 && document ? `${document}\n\n${question}` : question;
    messages.push({ role: "user", content });
    if (answer !== undefined) messages.push({ role: "assistant", content: answer });
  }
  return messages;
}

/** Encoded piece by piece, so that a longer conversation begins with exactly the ids of the shorter one. */
function renderPlain(tokenizer: Tokenizer, document: string, exchanges: readonly Exchange[]): Int32Array {
  const pieces: Int32Array[] = [];
  for (const [index, { question, answer }] of exchanges.entries()) {
    const before = index > 0 ? "\n\n" : document ? `${document}\n\n` : "";
    pieces.push(tokenizer.encode(`${before}Question: ${question}\nAnswer:`, index === 0 ? {} : { bos: false }));
    if (answer !== undefined) pieces.push(tokenizer.encode(answer, { bos: false }));
  }
  const ids = new Int32Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    ids.set(piece, at);
    at += piece.length;
  }
  return ids;
}
