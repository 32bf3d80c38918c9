/** Turns the bytes of tokens into text, piece by piece: a character that is cut by a token's end waits for the rest. */
export class TextStream {
  private readonly decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  private readonly bytesOf: (tokenId: number) => Uint8Array;
  private dropSpace: boolean;
  /** Bytes that the last character still needs. */
  private missingBytes = 0;

  /** `dropSpace`: the first space of the text was put there by the tokenizer. */
  constructor(bytesOf: (tokenId: number) => Uint8Array, dropSpace: boolean) {
    this.bytesOf = bytesOf;
    this.dropSpace = dropSpace;
  }

  /** The text that this token completes, possibly empty. */
  push(tokenId: number): string {
    const bytes = this.next(tokenId);
    for (const byte of bytes)
      this.missingBytes = isContinuation(byte) ? Math.max(0, this.missingBytes - 1) : continuationsOf(byte);
    return this.decoder.decode(bytes, { stream: true });
  }

  /** Whether flush() may give something. */
  get isIncomplete(): boolean {
    return this.missingBytes > 0;
  }

  /** What is left at the end: U+FFFD if the last character is incomplete. */
  flush(): string {
    return this.decoder.decode();
  }

  /** The text of all tokens at once. */
  all(tokenIds: ArrayLike<number>): string {
    let bytes = new Uint8Array(tokenIds.length * 8);
    let length = 0;
    for (let i = 0; i < tokenIds.length; i++) {
      const more = this.next(tokenIds[i]);
      if (length + more.length > bytes.length) {
        const larger = new Uint8Array(2 * (length + more.length));
        larger.set(bytes);
        bytes = larger;
      }
      bytes.set(more, length);
      length += more.length;
    }
    return this.decoder.decode(bytes.subarray(0, length));
  }

  private next(tokenId: number): Uint8Array {
    const bytes = this.bytesOf(tokenId);
    if (!this.dropSpace || bytes.length === 0) return bytes;
    this.dropSpace = false;
    return bytes[0] === 0x20 ? bytes.subarray(1) : bytes;
  }
}

function isContinuation(byte: number): boolean {
  return byte >> 6 === 0b10;
}

/** How many bytes follow in UTF-8. What cannot begin a character becomes U+FFFD at once, so nothing follows it. */
function continuationsOf(byte: number): number {
  if (byte < 0xc2 || byte > 0xf4) return 0;
  return byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
}
