import type { IdBuffer } from "./id-buffer.ts";

/** One kind of vocabulary: how text without whole tokens becomes ids, and what bytes an ordinary token stands for. */
export interface TextModel {
  /** Appends the ids of a text of well-formed Unicode. `begins`: the text is the first, or a whole token precedes it. */
  encode(text: string, begins: boolean, out: IdBuffer): void;
  /** The bytes of a token that is neither control nor user-defined. */
  bytesOf(id: number): Uint8Array;
  /** Whether a text begins with BOS where the file does not say. */
  readonly addBos: boolean;
  /** Whether `encode` puts a space before a text, which decoding takes away again. */
  readonly addsSpace: boolean;
}
