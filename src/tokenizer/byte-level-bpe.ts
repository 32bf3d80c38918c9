/**
 * Byte-level BPE (`tokenizer.ggml.model` = gpt2): words from the pre-tokenizer, one symbol a byte, merges by rank.
 * Source: Radford et al. 2019 (GPT-2), section 2.2; llama.cpp, llm_tokenizer_bpe.
 */
import type { GgufMetadata } from "../formats/gguf.ts";
import { InputError } from "../runtime/errors.ts";
import { bytesOfText, characterOfByte } from "./byte-level.ts";
import type { IdBuffer } from "./id-buffer.ts";
import { type MergeRules, mergePairs } from "./merge.ts";
import { PairTable } from "./pair-table.ts";
import { createPreTokenizer } from "./pre-tokenizer.ts";
import type { TextModel } from "./text-model.ts";
import { isSpecial, type Vocabulary } from "./vocabulary.ts";
import { WordCache } from "./word-cache.ts";

const SCRATCH_BYTES = 4096;

export function createByteLevelBpe(metadata: GgufMetadata, vocabulary: Vocabulary): TextModel {
  const pre = metadata.get("tokenizer.ggml.pre");
  const { pattern, wholeWords, addBos } = createPreTokenizer(pre === undefined ? undefined : String(pre));
  const idOfText = new Map(Array.from(vocabulary.texts, (text, id) => [text, id]));
  const rules = readMerges(metadata, vocabulary, idOfText);
  // Some vocabularies (SmolLM2) lack tokens for bytes that their training text never had. Such a byte merges with
  // nothing and is then left out, as in the models' own tokenizers and llama.cpp.
  const missing = vocabulary.texts.length;
  const idOfByte = Int32Array.from(characterOfByte, (character) => idOfText.get(character) ?? missing);
  const cache = new WordCache();
  const scratch = new Int32Array(SCRATCH_BYTES);

  function encodeWord(text: string, start: number, end: number, out: IdBuffer): void {
    if (cache.copy(text, start, end, out)) return;
    const needed = 3 * (end - start); // UTF-8 has at most three bytes per UTF-16 unit
    const ids = needed <= SCRATCH_BYTES ? scratch : new Int32Array(needed);
    const whole = wholeWords ? idOfText.get(alphabetic(text.slice(start, end))) : undefined;
    let count = 1;
    if (whole !== undefined && !isSpecial(vocabulary, whole)) ids[0] = whole;
    else count = without(missing, ids, mergePairs(rules, ids, utf8Ids(text, start, end, idOfByte, ids)));
    cache.store(text, start, end, ids, count);
    out.append(ids, 0, count);
  }

  return {
    addBos,
    addsSpace: false,
    bytesOf: (id) => bytesOfText(vocabulary.texts[id]),
    encode(text, _begins, out) {
      for (let start = 0; start < text.length; ) {
        pattern.lastIndex = start;
        if (!pattern.test(text)) throw new Error(`pre-tokenizer "${pre}": no word at ${start}`);
        const end = pattern.lastIndex;
        encodeWord(text, start, end, out);
        start = end;
      }
    },
  };
}

/** Writes one id per UTF-8 byte of text[start..end) and returns their number. */
function utf8Ids(text: string, start: number, end: number, idOfByte: Int32Array, ids: Int32Array): number {
  let count = 0;
  for (let i = start; i < end; i++) {
    const code = text.codePointAt(i)!;
    if (code < 0x80) ids[count++] = idOfByte[code];
    else {
      if (code < 0x800) ids[count++] = idOfByte[0xc0 | (code >> 6)];
      else {
        if (code < 0x10000) ids[count++] = idOfByte[0xe0 | (code >> 12)];
        else {
          ids[count++] = idOfByte[0xf0 | (code >> 18)];
          ids[count++] = idOfByte[0x80 | ((code >> 12) & 0x3f)];
          i++; // a surrogate pair
        }
        ids[count++] = idOfByte[0x80 | ((code >> 6) & 0x3f)];
      }
      ids[count++] = idOfByte[0x80 | (code & 0x3f)];
    }
  }
  return count;
}

/** Takes an id out of ids[0..length) and returns the new length. */
function without(id: number, ids: Int32Array, length: number): number {
  let count = 0;
  for (let i = 0; i < length; i++) if (ids[i] !== id) ids[count++] = ids[i];
  return count;
}

function alphabetic(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => characterOfByte[byte]).join("");
}

function readMerges(metadata: GgufMetadata, vocabulary: Vocabulary, idOfText: ReadonlyMap<string, number>): MergeRules {
  const merges = metadata.get("tokenizer.ggml.merges");
  if (!Array.isArray(merges))
    throw new InputError("tokenizer.ggml.merges: expected a list of merges, got none. Convert the model again.");
  const result = new Int32Array(merges.length);
  const table = new PairTable(merges.length);
  for (const [rank, merge] of (merges as string[]).entries()) {
    const space = merge.indexOf(" ", 1);
    const left = idOfText.get(merge.slice(0, space));
    const right = idOfText.get(merge.slice(space + 1));
    const merged = idOfText.get(merge.slice(0, space) + merge.slice(space + 1));
    if (left === undefined || right === undefined || merged === undefined)
      throw new InputError(
        `tokenizer.ggml.merges: expected parts and result of merge ${rank} ("${merge}") in the vocabulary. Convert the model again.`,
        { got: merge },
      );
    result[rank] = merged;
    if (!isSpecial(vocabulary, merged)) table.add(left, right, rank);
  }
  return { find: (left, right) => table.get(left, right), priority: Int32Array.from(merges.keys()), result };
}
