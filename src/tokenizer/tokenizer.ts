/**
 * Text to token ids and back, with the tokenizer that a GGUF file carries. The ids are llama.cpp's.
 * Control tokens are read out of a text only on request: a document that contains "<|im_end|>" cannot end its turn.
 */
import type { GgufMetadata } from "../formats/gguf.ts";
import { InputError, UnsupportedError } from "../runtime/errors.ts";
import { createByteLevelBpe } from "./byte-level-bpe.ts";
import { IdBuffer } from "./id-buffer.ts";
import { createSentencePiece } from "./sentencepiece.ts";
import type { TextModel } from "./text-model.ts";
import { TextStream } from "./text-stream.ts";
import { TokenMatcher } from "./token-matcher.ts";
import { readVocabulary, tokenKind, tokensOfKind, type Vocabulary } from "./vocabulary.ts";

export type { TextStream } from "./text-stream.ts";

export interface EncodeOptions {
  /** Begin with BOS. Default: the file's `add_bos_token`. */
  bos?: boolean;
  /** Read control tokens out of the text. Default false: they are plain text. */
  special?: boolean;
}

export interface DecodeOptions {
  /** Write control tokens as their text. Default false: they are left out. */
  special?: boolean;
}

export interface Tokenizer {
  readonly vocabularySize: number;
  readonly bosId?: number;
  readonly eosId?: number;
  /** Tokens that end a generation. */
  readonly endIds: ReadonlySet<number>;
  readonly addBos: boolean;
  /** Control tokens by their text. */
  readonly specialTokens: ReadonlyMap<string, number>;
  readonly chatTemplate?: string;
  encode(text: string, options?: EncodeOptions): Int32Array;
  decode(tokenIds: ArrayLike<number>, options?: DecodeOptions): string;
  /** Decodes token by token. */
  decoder(options?: DecodeOptions): TextStream;
  /** The bytes of a token; of a control token, its text's. */
  tokenBytes(tokenId: number): Uint8Array;
}

export function createTokenizer(metadata: GgufMetadata): Tokenizer {
  const vocabulary = readVocabulary(metadata);
  const { texts, kinds, bosId, eosId, endIds } = vocabulary;
  const model = createTextModel(metadata, vocabulary);
  const addBos = Boolean(metadata.get("tokenizer.ggml.add_bos_token") ?? model.addBos) && bosId !== undefined;
  const specialTokens = new Map(tokensOfKind(vocabulary, tokenKind.control, tokenKind.unknown));
  const userDefined = [...tokensOfKind(vocabulary, tokenKind.userDefined)];
  const plainMatcher = new TokenMatcher(userDefined);
  const specialMatcher = new TokenMatcher([...specialTokens, ...userDefined]);
  const chatTemplate = metadata.get("tokenizer.chat_template");

  function tokenBytes(id: number): Uint8Array {
    if (!(id in kinds))
      throw new InputError(`token: expected an id below ${texts.length}, got ${id}. Use this model's own tokenizer.`, {
        expected: texts.length,
        got: id,
      });
    if (kinds[id] === tokenKind.normal || kinds[id] === tokenKind.byte) return model.bytesOf(id);
    return new TextEncoder().encode(texts[id]);
  }

  const known: (Uint8Array | undefined)[] = new Array(texts.length);
  const nothing = new Uint8Array(0);
  const shown = new Set<number>([tokenKind.normal, tokenKind.userDefined, tokenKind.byte]);

  function decoder({ special = false }: DecodeOptions = {}): TextStream {
    return new TextStream((id) => {
      if (!special && id in kinds && !shown.has(kinds[id])) return nothing;
      known[id] ??= tokenBytes(id);
      return known[id];
    }, model.addsSpace);
  }

  return {
    vocabularySize: texts.length,
    bosId,
    eosId,
    endIds,
    addBos,
    specialTokens,
    chatTemplate: typeof chatTemplate === "string" ? chatTemplate : undefined,
    encode(text, { bos = addBos, special = false } = {}) {
      const out = new IdBuffer();
      if (bos) out.push(expectBos(bosId));
      let begins = true;
      (special ? specialMatcher : plainMatcher).split(
        text.replace(/\p{Surrogate}/gu, "\ufffd"), // half a pair has no UTF-8
        (plain) => {
          model.encode(plain, begins, out);
          begins = false;
        },
        (id) => {
          out.push(id);
          begins = true;
        },
      );
      return out.toArray();
    },
    decode: (tokenIds, options) => decoder(options).all(tokenIds),
    decoder,
    tokenBytes,
  };
}

function createTextModel(metadata: GgufMetadata, vocabulary: Vocabulary): TextModel {
  const name = metadata.get("tokenizer.ggml.model");
  if (name === "gpt2") return createByteLevelBpe(metadata, vocabulary);
  if (name === "llama") return createSentencePiece(metadata, vocabulary);
  throw new UnsupportedError(
    `tokenizer.ggml.model: expected gpt2 or llama, got ${name ?? "nothing"}. Use a model with a byte-level BPE or SentencePiece tokenizer.`,
    { expected: ["gpt2", "llama"], got: name },
  );
}

function expectBos(bosId: number | undefined): number {
  if (bosId !== undefined) return bosId;
  throw new InputError("encode: expected a model with a BOS token, got one without. Leave the option bos out.");
}
