/**
 * The printable alphabet of byte-level BPE: each byte has a character, so that tokens are ordinary strings.
 * Bytes that print stand for themselves, the others for U+0100 and following. Source: GPT-2, `bytes_to_unicode`.
 */
export const characterOfByte: readonly string[] = alphabet();

const byteOfCharacter = new Map(characterOfByte.map((character, byte) => [character, byte]));

function alphabet(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const prints = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return String.fromCharCode(prints ? byte : next++);
  });
}

/** The bytes of a token's text. A character outside the alphabet stands for its own UTF-8 bytes. */
export function bytesOfText(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const byte = byteOfCharacter.get(character);
    if (byte !== undefined) bytes.push(byte);
    else bytes.push(...new TextEncoder().encode(character));
  }
  return Uint8Array.from(bytes);
}
