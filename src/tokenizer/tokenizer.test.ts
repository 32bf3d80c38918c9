import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { vocabularyMetadata } from "../../test/support/tiny-vocabulary.ts";
import type { GgufMetadata, GgufValue } from "../formats/gguf.ts";
import { InputError, UnsupportedError } from "../runtime/errors.ts";
import { createTokenizer, type Tokenizer } from "./tokenizer.ts";

/** 256 bytes, 16 merges, <|endoftext|>, <|im_start|>, <|im_end|>, 25 unused tokens; pre-tokenizer gpt-2. */
function tokenizer(more: Record<string, GgufValue | undefined> = {}): Tokenizer {
  const pairs = Object.entries({ ...vocabularyMetadata(300), ...more }).filter(([, value]) => value !== undefined);
  return createTokenizer(new Map(pairs) as GgufMetadata);
}

const tiny = tokenizer();
const [endOfText, imStart, imEnd] = [272, 273, 274];

function texts(ids: Int32Array): string[] {
  return Array.from(ids, (id) => tiny.decode([id], { special: true }));
}

const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|im", "_end|>", "[UNUSED0]", " the", "  ", "\n"),
    fc.string({ unit: "binary", maxLength: 3 }),
  ),
});

test("decode(encode(text)) is the text, for any text that spells out control tokens (fast-check)", () => {
  fc.assert(
    fc.property(anyText, fc.boolean(), (text, special) =>
      assert.equal(tiny.decode(tiny.encode(text, { special }), { special: true }), text),
    ),
  );
});

test("no control token comes out of plain text (fast-check)", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const ids = tiny.encode(text);
      assert.ok(
        ids.every((id) => id < endOfText),
        `${ids}`,
      );
    }),
  );
});

test("tokens pushed one by one give the text of all at once, for any ids, cut characters included (fast-check)", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 299 })), fc.boolean(), (ids, special) => {
      const stream = tiny.decoder({ special });
      const streamed = ids.map((id) => stream.push(id)).join("") + stream.flush();
      assert.equal(streamed, tiny.decode(ids, { special }));
    }),
  );
});

test("a character of four bytes is written when its last byte comes, and a cut one as U+FFFD at the end", () => {
  const ids = tiny.encode("😀");
  const stream = tiny.decoder();
  assert.deepEqual(
    Array.from(ids, (id) => stream.push(id)),
    ["", "", "", "😀"],
  );
  assert.equal(stream.push(ids[0]), "");
  assert.equal(stream.flush(), "\ufffd");
});

test("a byte order mark is text and stays", () => {
  assert.equal(tiny.decode(tiny.encode("\ufeffa")), "\ufeffa");
});

test("half a surrogate pair becomes U+FFFD", () => {
  assert.equal(tiny.decode(tiny.encode("a\ud83db")), "a\ufffdb");
});

test("merges apply by rank inside words: ' the', 'ing' and ' and' are one token each", () => {
  assert.deepEqual(texts(tiny.encode("the the and thing")), ["t", "he", " the", " and", " t", "h", "ing"]);
});

test("control tokens are read on request, and left out of what is shown unless asked for", () => {
  const ids = tiny.encode("<|im_start|>a<|im_end|>", { special: true });
  assert.deepEqual([ids[0], ids.at(-1), ids.length], [imStart, imEnd, 3]);
  assert.equal(tiny.decode(ids), "a");
  assert.equal(tiny.decode(ids, { special: true }), "<|im_start|>a<|im_end|>");
});

test("generation ends at the file's tokens and at the usual texts", () => {
  assert.deepEqual([...tiny.endIds].sort(), [endOfText, imEnd]);
  const onlyTexts = tokenizer({ "tokenizer.ggml.eos_token_id": undefined });
  assert.deepEqual([...onlyTexts.endIds].sort(), [endOfText, imEnd]);
});

test("a turn's end that a file calls an ordinary token is a control token all the same", () => {
  const kinds = (vocabularyMetadata(300)["tokenizer.ggml.token_type"] as Int32Array).slice();
  kinds[imEnd] = 1;
  const { encode } = tokenizer({ "tokenizer.ggml.token_type": kinds });
  assert.ok(!encode("<|im_end|>").includes(imEnd));
  assert.deepEqual([...encode("<|im_end|>", { special: true })], [imEnd]);
});

test("BOS: as the file says, as the caller says, and refused where there is none", () => {
  const withBos = tokenizer({ "tokenizer.ggml.add_bos_token": true });
  assert.equal(withBos.encode("a")[0], endOfText);
  assert.equal(withBos.encode("a", { bos: false }).length, 1);
  assert.equal(tiny.encode("a", { bos: true })[0], endOfText);
  const without = tokenizer({ "tokenizer.ggml.bos_token_id": undefined });
  assert.throws(() => without.encode("a", { bos: true }), InputError);
});

test("llama-bpe begins with BOS unless the file says otherwise, and takes whole words before merges", () => {
  const tokens = vocabularyMetadata(300)["tokenizer.ggml.tokens"] as string[];
  const kinds = (vocabularyMetadata(300)["tokenizer.ggml.token_type"] as Int32Array).slice();
  const hello = tokens.length - 1;
  kinds[hello] = 1;
  const llama = tokenizer({
    "tokenizer.ggml.pre": "llama-bpe",
    "tokenizer.ggml.add_bos_token": undefined,
    "tokenizer.ggml.tokens": [...tokens.slice(0, -1), "Ġhello"],
    "tokenizer.ggml.token_type": kinds,
  });
  assert.deepEqual([...llama.encode(" hello")], [endOfText, hello]);
});

test("a byte without a token is left out and keeps its neighbours apart", () => {
  const tokens = (vocabularyMetadata(300)["tokenizer.ggml.tokens"] as string[]).slice();
  tokens[0x13] = "[no byte 0x13]";
  const gapped = tokenizer({ "tokenizer.ggml.tokens": tokens });
  assert.equal(gapped.decode(gapped.encode("!\x13!")), "!!");
  assert.equal(gapped.encode("\x13").length, 0);
});

test("the bytes of each token: raw for byte tokens, the text's for control tokens", () => {
  assert.deepEqual(tiny.tokenBytes(0xe4), Uint8Array.of(0xe4));
  assert.deepEqual(tiny.tokenBytes(imEnd), new TextEncoder().encode("<|im_end|>"));
  for (const id of [-1, 300, 1.5]) assert.throws(() => tiny.tokenBytes(id), /expected an id below 300/);
});

test("an unknown tokenizer model is an UnsupportedError", () => {
  for (const model of ["t5", undefined])
    assert.throws(() => tokenizer({ "tokenizer.ggml.model": model }), UnsupportedError);
});

test("a file with broken tokenizer metadata is an InputError that names the key", () => {
  const broken: Record<string, GgufValue | undefined> = {
    "tokenizer.ggml.tokens": undefined,
    "tokenizer.ggml.token_type": Int32Array.of(1, 2),
    "tokenizer.ggml.merges": ["a zz"],
    "tokenizer.ggml.eos_token_id": 300,
  };
  for (const [key, value] of Object.entries(broken))
    assert.throws(
      () => tokenizer({ [key]: value }),
      (error: Error) => error instanceof InputError && error.message.startsWith(key),
      key,
    );
  assert.throws(() => tokenizer({ "tokenizer.ggml.merges": undefined }), InputError);
});
