/**
 * Plain text, Markdown, source code: bytes -> characters. UTF-8, UTF-16 by its byte order mark, and what is neither but
 * still text as Windows-1252, of which Latin-1's printable characters are a part. Everything else is binary.
 */
import { InputError } from "../../runtime/errors.ts";

/** 0x80 to 0x9f. Node 20's TextDecoder("windows-1252") decodes these as Latin-1 controls. */
const windows1252 = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ";

export function decodeText(bytes: Uint8Array, path: string): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  if (isBinary(bytes)) throw binary(path);
  // TextDecoder removes a byte order mark itself.
  const text = new TextDecoder("utf-8").decode(bytes);
  const numInvalid = countMatches(text, /\ufffd/g);
  if (numInvalid === 0) return checked(text, path);
  // A damaged character or two in a UTF-8 file is no reason to misread all the others.
  const numMultibyte = countMatches(text, /[^\0-\x7f\ufffd]/gu);
  if (numMultibyte > numInvalid) return checked(text, path);
  return Buffer.from(bytes)
    .toString("latin1")
    .replace(/[\x80-\x9f]/g, (character) => windows1252[character.charCodeAt(0) - 0x80]);
}

/**
 * A zero byte is in no text but UTF-16's. Controls other than white space, backspace and escape are rare in text and one byte in
 * nine of compressed data, where more than half the bytes also lie above 0x7f, some on the five that Windows-1252 leaves out.
 */
function isBinary(bytes: Uint8Array): boolean {
  let numControls = 0;
  for (const byte of bytes) {
    if (byte === 0) return true;
    if (byte < 0x20 && !(byte >= 0x08 && byte <= 0x0d) && byte !== 0x1b) numControls++;
  }
  return numControls > bytes.length / 50;
}

/** RTF is text in form only: nine tenths of it are control words. */
function checked(text: string, path: string): string {
  if (!text.startsWith("{\\rtf")) return text;
  throw binary(path, "RTF");
}

function countMatches(text: string, pattern: RegExp): number {
  let count = 0;
  for (const _ of text.matchAll(pattern)) count++;
  return count;
}

function binary(path: string, got = "binary data"): InputError {
  return new InputError(
    `${path}: expected text, HTML, PDF, DOCX or EPUB, got ${got}. Convert it to one of these, for example with LibreOffice.`,
    { got },
  );
}
