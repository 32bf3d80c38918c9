import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { GgufMetadata, GgufValue } from "../formats/gguf.ts";
import { InputError } from "../runtime/errors.ts";
import { createTokenizer, type Tokenizer } from "./tokenizer.ts";

/** Higher scores first, as in real files; "ion" and "nat" overlap, and no two parts but "c▁" join words. */
const pieces =
  "▁ a b c e i n o t s > ▁t at on io ▁a ion nat ▁at ati ▁▁ ▁▁▁▁ ation nation c▁ ▁nation ab abc éa <b <bo <bos".split(
    " ",
  );
const control = ["<unk>", "<bos>", "<eos>"];
const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
const userDefined = ["\n\n", "\n\n\n", "</h1>"];
const tokens = [...control, ...bytes, ...userDefined, ...pieces];

function tokenizer(more: Record<string, GgufValue> = {}): Tokenizer {
  const kind = (id: number) => (id === 0 ? 2 : id < 3 ? 3 : id < 259 ? 6 : id < 262 ? 4 : 1);
  const metadata: GgufMetadata = new Map<string, GgufValue>(
    Object.entries({
      "tokenizer.ggml.model": "llama",
      "tokenizer.ggml.tokens": tokens,
      "tokenizer.ggml.scores": Float32Array.from(tokens, (_, id) => (id < 262 ? -1000 : 262 - id)),
      "tokenizer.ggml.token_type": Int32Array.from(tokens, (_, id) => kind(id)),
      "tokenizer.ggml.bos_token_id": 1,
      "tokenizer.ggml.eos_token_id": 2,
      "tokenizer.ggml.unknown_token_id": 0,
      "tokenizer.ggml.add_space_prefix": false,
      ...more,
    }),
  );
  return createTokenizer(metadata);
}

/** The definition, with strings: merge the adjacent pair that makes the highest token, leftmost first, then bytes. */
function reference(text: string): string[] {
  const symbols = [...text.replaceAll(" ", "▁")];
  for (;;) {
    let best = -1;
    let lowest = Number.POSITIVE_INFINITY;
    for (let i = 0; i + 1 < symbols.length; i++) {
      const id = tokens.indexOf(symbols[i] + symbols[i + 1]);
      if (id < 262 || id >= lowest) continue;
      best = i;
      lowest = id;
    }
    if (best < 0) break;
    symbols.splice(best, 2, symbols[best] + symbols[best + 1]);
  }
  return symbols.flatMap((symbol) =>
    tokens.includes(symbol, 262) ? [symbol] : Array.from(new TextEncoder().encode(symbol), (byte) => bytes[byte]),
  );
}

function texts(ids: Int32Array): string[] {
  return Array.from(ids, (id) => tokens[id]);
}

const plain = fc.string({ unit: fc.constantFrom(..."abceinots    >é中😀\n"), maxLength: 60 });

test("ids are those of the definition, with words cut at spaces and cached (fast-check)", () => {
  const { encode } = tokenizer();
  fc.assert(
    fc.property(plain, (given) => {
      const text = given.replace(/\n+/g, "\n"); // user-defined tokens are another test
      assert.deepEqual(texts(encode(text, { bos: false })), reference(text));
    }),
    { numRuns: 1000 },
  );
});

test("decoding gives the text back, at once and token by token, with and without a space prefix (fast-check)", () => {
  for (const addSpace of [false, true]) {
    const spm = tokenizer({ "tokenizer.ggml.add_space_prefix": addSpace });
    fc.assert(
      fc.property(plain, (given) => {
        const text = addSpace ? given.replaceAll("\n", "") : given;
        const ids = spm.encode(text);
        const stream = spm.decoder();
        assert.equal(spm.decode(ids), text);
        assert.equal(Array.from(ids, (id) => stream.push(id)).join("") + stream.flush(), text);
      }),
    );
  }
});

test("BOS comes first by default, and a space prefix after it and after each whole token", () => {
  const spm = tokenizer({ "tokenizer.ggml.add_space_prefix": true });
  assert.deepEqual(texts(spm.encode("at\n\nat")), ["<bos>", "▁at", "\n\n", "▁at"]);
  assert.deepEqual(texts(tokenizer().encode("at")), ["<bos>", "at"]);
  assert.deepEqual(texts(tokenizer({ "tokenizer.ggml.add_bos_token": false }).encode("at")), ["at"]);
});

test("user-defined tokens are read out of plain text, longest first; control tokens only on request", () => {
  const { encode } = tokenizer();
  assert.deepEqual(texts(encode("a\n\n\n\n\n</h1>", { bos: false })), ["a", "\n\n\n", "\n\n", "</h1>"]);
  assert.deepEqual(texts(encode("<eos>", { bos: false, special: true })), ["<eos>"]);
  assert.equal(encode("<eos>", { bos: false }).includes(2), false);
});

test("a control token does not come out of merges either, where the parts are tokens and only the whole is control", () => {
  assert.deepEqual(texts(tokenizer().encode("<bos>", { bos: false })), ["<bos", ">"]);
});

test("byte tokens stand for their byte, and their spelling in a text is a text", () => {
  const spm = tokenizer();
  assert.deepEqual(spm.tokenBytes(tokens.indexOf("<0xE4>")), Uint8Array.of(0xe4));
  assert.equal(spm.decode(spm.encode("<0x41>")), "<0x41>");
});

test("without byte tokens an unknown character is the unknown token, and without that the file is refused", () => {
  const noBytes = { "tokenizer.ggml.token_type": Int32Array.from(tokens, (_, id) => (id < 3 ? 3 : 1)) };
  assert.deepEqual(texts(tokenizer(noBytes).encode("a中", { bos: false })), ["a", "<unk>", "<unk>", "<unk>"]);
  const neither = { ...noBytes, "tokenizer.ggml.unknown_token_id": tokens.length };
  assert.throws(() => tokenizer(neither), InputError);
});
