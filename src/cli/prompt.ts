/**
 * Document first, question last, inside the model's chat template: the question is then read with the document in view,
 * and a second question shares everything before it. Models without a template get plain text to continue.
 */
import { placeOfText, type TextPlace } from "../documents/text-place.ts";
import { partsAround, type TextParts } from "../engine/linked-text.ts";
import { UnsupportedError } from "../runtime/errors.ts";
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

/** A prompt whose documents are tokens of their own, so that each is the same among any others and in any order. */
export interface SeparatePrompt extends TextParts {
  readonly rest: Int32Array;
  /** All of it. */
  readonly tokenIds: Int32Array;
  /** The documents as one text, and where each begins in it, in characters. */
  readonly text: string;
  readonly starts: number[];
}

/** Every document stands under a line with its path, also if there is one only; no token holds some of two. */
export function renderSeparately(
  tokenizer: Tokenizer,
  parts: readonly { readonly path: string; readonly text: string }[],
  question: string,
): SeparatePrompt {
  const { head, rest } = partsAround((text) => renderPrompt(tokenizer, text, [{ question }]));
  const starts: number[] = [];
  let all = "";
  const documents = parts.map(({ path, text }) => {
    const title = `\n===== ${path} =====\n`;
    const document = title + text.replace(/\n*$/, "\n");
    starts.push(all.length - 1 + title.length);
    all += document;
    return tokenizer.encode(document, { bos: false });
  });
  const tokenIds = Int32Array.from([head, ...documents, rest].flatMap((ids) => [...ids]));
  return { head, documents, rest, tokenIds, text: all.slice(1), starts };
}

/** Where the document stands in the prompt of its first question. Throws UnsupportedError where the tokens do not give it back. */
export function placeOfDocument(
  tokenizer: Tokenizer,
  tokenIds: Int32Array,
  document: string,
  question: string,
): TextPlace {
  const messages = hasChat(tokenizer)
    ? messagesOf(document, [{ question }]).map(({ content }) => content)
    : [`${document}\n\nQuestion: ${question}`];
  const sought = { messages, message: messages.length - 1, begin: 0, end: document.length };
  const place = placeOfText(tokenizer, tokenIds, sought);
  if (place) return place;
  throw new UnsupportedError(
    "trace: expected a tokenizer that gives a document's text back as it was, got other text. Leave out --trace, or use another model.",
  );
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
