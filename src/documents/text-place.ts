/** Where one text stands among the tokens of a prompt: a part of a request's message, or the documents of a question. */
import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/** The messages' texts in order, and the piece of one of them that is looked for. */
export interface SoughtText {
  readonly messages: readonly string[];
  readonly message: number;
  /** Characters [begin, end) of that message. */
  readonly begin: number;
  readonly end: number;
}

export interface TextPlace {
  /** Positions [begin, end) of the tokens that hold some of it. */
  readonly begin: number;
  readonly end: number;
  /** The character of the text that the token at a position begins with, or in the middle of. */
  characterAt(position: number): number;
}

/** Undefined where the tokens do not give the message back as it was: the template rewrote it, or the tokenizer. */
export function placeOfText(tokenizer: Tokenizer, tokenIds: Int32Array, sought: SoughtText): TextPlace | undefined {
  const pieces = Array.from(tokenIds, (id) => tokenizer.tokenBytes(id));
  const offsets = [0];
  for (const piece of pieces) offsets.push(offsets[offsets.length - 1] + piece.length);
  const content = sought.messages[sought.message];
  const found = byteOfMessage(Buffer.concat(pieces), sought);
  if (found === undefined) return undefined;

  // Templates trim what a message begins and ends with.
  const trimmed = content.length - content.trimStart().length;
  const first = Math.max(sought.begin, trimmed);
  const text = Buffer.from(content.slice(first, Math.min(sought.end, content.trimEnd().length)));
  const start = found + Buffer.byteLength(content.slice(trimmed, first));
  const begin = offsets.findIndex((offset) => offset > start) - 1;
  const end = offsets.findIndex((offset) => offset >= start + text.length);
  // Asked for in ascending order, mostly: counting goes on from where it was.
  let last = { byte: 0, character: first - sought.begin };
  return {
    begin,
    end,
    characterAt(position) {
      let byte = Math.max(0, Math.min(text.length, offsets[position] - start));
      while ((text[byte] & 0xc0) === 0x80) byte--;
      const from = byte >= last.byte ? last : { byte: 0, character: first - sought.begin };
      last = { byte, character: from.character + text.toString("utf8", from.byte, byte).length };
      return last.character;
    },
  };
}

/** Messages stand in their order, so each is looked for behind the one before it. */
function byteOfMessage(bytes: Buffer, { messages, message }: SoughtText): number | undefined {
  let from = 0;
  for (const content of messages.slice(0, message)) {
    const at = bytes.indexOf(content.trim(), from);
    if (at >= 0) from = at + Buffer.byteLength(content.trim());
  }
  const at = bytes.indexOf(messages[message].trim(), from);
  return at < 0 ? undefined : at;
}
