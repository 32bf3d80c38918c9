/** A text as tokens that know where they stand in its UTF-8 bytes: what bits per byte and key spans are counted in. */
import { UnsupportedError } from "../../runtime/errors.ts";
import type { Tokenizer } from "../../tokenizer/tokenizer.ts";

export interface Document {
  readonly name: string;
  /** Without BOS. */
  readonly tokenIds: Int32Array;
  /** byteEnds[i]: bytes of the text up to and with token i. */
  readonly byteEnds: Int32Array;
}

/** Tokenises a whole text at once: pieces that are tokenised apart have other tokens at their seams. */
export function documentOf(
  tokenizer: Pick<Tokenizer, "encode" | "tokenBytes">,
  { name, text }: { name: string; text: string },
): Document {
  const tokenIds = tokenizer.encode(text, { bos: false });
  const lengths = Array.from(tokenIds, (id) => tokenizer.tokenBytes(id).length);
  const expected = new TextEncoder().encode(text).length;
  // SentencePiece puts a space before the text, which is no byte of it.
  const added = lengths.reduce((sum, length) => sum + length, 0) - expected;
  if (added !== 0 && added !== 1)
    throw new UnsupportedError(
      `document ${name}: expected tokens of ${expected} bytes, got ${expected + added}. Use a model whose tokenizer keeps every byte.`,
      { expected, got: expected + added },
    );
  let end = -added;
  const byteEnds = Int32Array.from(lengths, (length) => (end += length));
  return { name, tokenIds, byteEnds };
}

/** Bytes of the tokens from `from` up to, but without, `to`. */
export function bytesOf({ byteEnds }: Document, from: number, to: number): number {
  return to <= from ? 0 : byteEnds[to - 1] - (from === 0 ? 0 : byteEnds[from - 1]);
}

/** Token ids in a row. */
export function concat(a: Int32Array, b: Int32Array): Int32Array {
  const all = new Int32Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
