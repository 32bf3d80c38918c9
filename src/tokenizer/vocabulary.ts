/** The vocabulary of a GGUF file: token texts, kinds and the tokens with a role, with the rules of llama.cpp. */
import type { GgufMetadata } from "../formats/gguf.ts";
import { InputError } from "../runtime/errors.ts";

/** `tokenizer.ggml.token_type` */
export const tokenKind = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

export interface Vocabulary {
  readonly texts: readonly string[];
  /** By token id, a value of `tokenKind`. */
  readonly kinds: Uint8Array;
  /** By token id; higher merges first. Absent in byte-level vocabularies. */
  readonly scores?: ArrayLike<number>;
  readonly bosId?: number;
  readonly eosId?: number;
  readonly unknownId?: number;
  readonly endIds: ReadonlySet<number>;
}

/** Texts that end a turn or a completion, whatever the file says about them: many files leave out the keys. */
const endTexts = new Set(
  (
    "<|eot_id|> <|eom_id|> <|im_end|> <|end|> <|return|> <|call|> <end_of_turn> <|endoftext|> <|end_of_text|> " +
    "<end_of_utterance> <EOT> [EOT] [EOS] <eos> <｜end▁of▁sentence｜> <|fim_pad|> <|repo_name|> <reponame> <|file_sep|>"
  ).split(" "),
);

export function readVocabulary(metadata: GgufMetadata): Vocabulary {
  const texts = metadata.get("tokenizer.ggml.tokens");
  if (!isTexts(texts))
    throw new InputError(
      "tokenizer.ggml.tokens: expected a list of tokens, got none. Use a GGUF file that has its tokenizer.",
    );
  const types = listOf(metadata, "tokenizer.ggml.token_type", texts.length);
  const kinds = Uint8Array.from(texts, (_, id) => types?.[id] ?? tokenKind.normal);
  const idOf = (role: string) => tokenId(metadata, `tokenizer.ggml.${role}_token_id`, texts.length);
  const bosId = idOf("bos");
  const eosId = idOf("eos");
  const endIds = new Set([eosId, idOf("eot"), idOf("eom")].filter((id) => id !== undefined));
  for (const [id, text] of texts.entries()) {
    // "</s>" ends a text in Llama, but it is a user-defined HTML tag in Gemma: only the file can say so.
    if (endTexts.has(text) || (text === "</s>" && kinds[id] === tokenKind.control)) endIds.add(id);
    // Never to be read out of plain text, even where a careless conversion made them ordinary tokens.
    if (endTexts.has(text) || text === "</s>") kinds[id] = tokenKind.control;
  }
  return {
    texts,
    kinds,
    scores: listOf(metadata, "tokenizer.ggml.scores", texts.length),
    bosId,
    eosId,
    unknownId: idOf("unknown"),
    endIds,
  };
}

/** Whether plain text must never become this token. */
export function isSpecial({ kinds }: Vocabulary, id: number): boolean {
  return kinds[id] === tokenKind.control || kinds[id] === tokenKind.unknown;
}

/** The ids of the given kinds with their texts. */
export function* tokensOfKind(vocabulary: Vocabulary, ...kinds: number[]): Generator<[text: string, id: number]> {
  for (const [id, text] of vocabulary.texts.entries()) if (kinds.includes(vocabulary.kinds[id])) yield [text, id];
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && typeof value[0] === "string";
}

function listOf(metadata: GgufMetadata, key: string, length: number): ArrayLike<number> | undefined {
  const value = metadata.get(key);
  if (value === undefined) return undefined;
  if (!ArrayBuffer.isView(value) || (value as ArrayLike<number> & ArrayBufferView).length < length)
    throw new InputError(`${key}: expected ${length} numbers, one a token. Convert the model again.`, {
      expected: length,
      got: (value as { length?: number }).length,
    });
  return value as ArrayLike<number> & ArrayBufferView;
}

function tokenId(metadata: GgufMetadata, key: string, size: number): number | undefined {
  const id = metadata.get(key);
  if (id === undefined) return undefined;
  if (typeof id !== "number" || id < 0 || id >= size)
    throw new InputError(`${key}: expected a token id below ${size}, got ${id}. Convert the model again.`, {
      expected: size,
      got: id,
    });
  return id;
}
