/**
 * SentencePiece BPE (`tokenizer.ggml.model` = llama; Gemma, Llama 1 and 2, Mistral): one symbol a character, spaces
 * written as U+2581; the pair merges whose concatenation is the token of the highest score; characters without a
 * token become byte tokens. Source: Kudo & Richardson 2018; llama.cpp, llm_tokenizer_spm.
 */
import type { GgufMetadata } from "../formats/gguf.ts";
import { InputError } from "../runtime/errors.ts";
import type { IdBuffer } from "./id-buffer.ts";
import { mergePairs } from "./merge.ts";
import { createScoreRules } from "./score-rules.ts";
import type { TextModel } from "./text-model.ts";
import { isSpecial, tokenKind, type Vocabulary } from "./vocabulary.ts";
import { WordCache } from "./word-cache.ts";

const SPACE = 0x20;
const VISIBLE_SPACE = 0x2581;
const CODE_POINTS = 0x110000;
const SCRATCH_LENGTH = 4096;

export function createSentencePiece(metadata: GgufMetadata, vocabulary: Vocabulary): TextModel {
  const { texts, kinds } = vocabulary;
  const idOfText = mergeableTokens(vocabulary);
  const rules = createScoreRules(vocabulary, idOfText);
  const idOfCharacter = characterIds(texts.length, idOfText);
  const idOfByte = byteTokens(vocabulary);
  const joinsSpace = unitsBeforeSpace(idOfText.keys());
  const cache = new WordCache();
  const scratch = [new Int32Array(SCRATCH_LENGTH), new Int32Array(SCRATCH_LENGTH)];
  const addsSpace = (metadata.get("tokenizer.ggml.add_space_prefix") ?? true) === true;

  function encodeWord(text: string, start: number, end: number, out: IdBuffer): void {
    if (cache.copy(text, start, end, out)) return;
    const bound = 3 * (end - start); // at worst three byte tokens per UTF-16 unit
    const [symbols, ids] = bound <= SCRATCH_LENGTH ? scratch : [new Int32Array(end - start), new Int32Array(bound)];
    let length = 0;
    for (let i = start; i < end; i++) {
      const code = text.codePointAt(i)!;
      if (code > 0xffff) i++;
      symbols[length++] = idOfCharacter[code === SPACE ? VISIBLE_SPACE : code];
    }
    length = mergePairs(rules, symbols, length);
    let count = 0;
    for (let i = 0; i < length; i++) {
      const symbol = symbols[i];
      if (symbol < texts.length) ids[count++] = symbol;
      else
        for (const byte of new TextEncoder().encode(String.fromCodePoint(symbol - texts.length)))
          ids[count++] = idOfByte[byte];
    }
    cache.store(text, start, end, ids, count);
    out.append(ids, 0, count);
  }

  return {
    addBos: true,
    addsSpace,
    bytesOf: (id) =>
      kinds[id] === tokenKind.byte
        ? Uint8Array.of(byteOf(texts[id]))
        : new TextEncoder().encode(texts[id].replaceAll("\u2581", " ")),
    encode(text, begins, out) {
      const whole = begins && addsSpace ? ` ${text}` : text;
      let start = 0;
      for (let i = 1; i < whole.length; i++) {
        // No token has this unit before a space, so no merge reaches across: two words, which the cache may know.
        if (!isSpace(whole.charCodeAt(i)) || joinsSpace[whole.charCodeAt(i - 1)] === 1) continue;
        encodeWord(whole, start, i, out);
        start = i;
      }
      encodeWord(whole, start, whole.length, out);
    },
  };
}

/** Control, unknown and byte tokens never come out of a merge: a text that spells them out stays a text. */
function mergeableTokens(vocabulary: Vocabulary): Map<string, number> {
  const idOfText = new Map<string, number>();
  for (const [id, text] of vocabulary.texts.entries())
    if (text !== "" && !isSpecial(vocabulary, id) && vocabulary.kinds[id] !== tokenKind.byte) idOfText.set(text, id);
  return idOfText;
}

/** By code point: the id of its token, or `size` + code point, because it may still be part of longer tokens. */
function characterIds(size: number, idOfText: ReadonlyMap<string, number>): Int32Array {
  const ids = new Int32Array(CODE_POINTS);
  for (let code = 0; code < CODE_POINTS; code++) ids[code] = size + code;
  for (const [text, id] of idOfText) {
    const code = text.codePointAt(0)!;
    if (text.length === (code > 0xffff ? 2 : 1)) ids[code] = id;
  }
  return ids;
}

function byteTokens(vocabulary: Vocabulary): Int32Array {
  const { texts, kinds, unknownId = -1 } = vocabulary;
  const ids = new Int32Array(256).fill(unknownId);
  for (const [id, text] of texts.entries()) if (kinds[id] === tokenKind.byte) ids[byteOf(text)] = id;
  if (ids.includes(-1))
    throw new InputError(
      `tokenizer.ggml.tokens: expected a token for each byte or an unknown token, got neither for byte ${ids.indexOf(-1)}. Convert the model again.`,
    );
  return ids;
}

/** The byte of a token like <0x0A>. */
function byteOf(text: string): number {
  const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(text);
  if (byte === null)
    throw new InputError(
      `tokenizer.ggml.tokens: expected a byte token like <0x0A>, got "${text}". Convert the model again.`,
    );
  return Number.parseInt(byte[1], 16);
}

function isSpace(unit: number): boolean {
  return unit === SPACE || unit === VISIBLE_SPACE;
}

/** 1 for each UTF-16 unit that some token has right before a space. */
function unitsBeforeSpace(texts: Iterable<string>): Uint8Array {
  const before = new Uint8Array(1 << 16);
  for (const text of texts)
    for (let i = 1; i < text.length; i++) if (isSpace(text.charCodeAt(i))) before[text.charCodeAt(i - 1)] = 1;
  before[SPACE] |= before[VISIBLE_SPACE];
  return before;
}
