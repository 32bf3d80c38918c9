import assert from "node:assert/strict";
import { test } from "node:test";
import { vocabularyMetadata } from "../../test/support/tiny-vocabulary.ts";
import type { GgufMetadata } from "../formats/gguf.ts";
import { createTokenizer, type Tokenizer } from "../tokenizer/tokenizer.ts";
import type { CompletionRequest } from "./chat-request.ts";
import { RequestError } from "./errors.ts";
import { promptsOf } from "./prompts.ts";

/** With the tokens 275, 276, … for filling gaps. */
function tokenizer(marks: readonly string[]): Tokenizer {
  const metadata = new Map<string, unknown>(Object.entries(vocabularyMetadata(300)));
  const tokens = [...(metadata.get("tokenizer.ggml.tokens") as string[])];
  const types = Int32Array.from(metadata.get("tokenizer.ggml.token_type") as Int32Array);
  for (const [i, mark] of marks.entries()) {
    tokens[275 + i] = mark;
    types[275 + i] = 3;
  }
  metadata.set("tokenizer.ggml.tokens", tokens).set("tokenizer.ggml.token_type", types);
  return createTokenizer(metadata as GgufMetadata);
}

const plain = tokenizer([]);
const idsOf = (request: CompletionRequest, of = plain) => promptsOf(of, request).map(({ ids }) => Array.from(ids));
const encode = (text: string) => Array.from(plain.encode(text, { bos: false }));

test("text, ids, and several of either are as many prompts", () => {
  const ids = encode("the sand");
  assert.deepEqual(idsOf({ prompt: "the sand" }), [ids]);
  assert.deepEqual(idsOf({ prompt: ids }), [ids]);
  assert.deepEqual(idsOf({ prompt: ["the sand", "on"] }), [ids, encode("on")]);
  assert.deepEqual(idsOf({ prompt: [ids, [1]] }), [ids, [1]]);
  assert.deepEqual(
    promptsOf(plain, { prompt: [ids] }).map(({ text }) => text),
    ["the sand"],
  );
  assert.throws(
    () => idsOf({ prompt: [300] }),
    (error) => error instanceof RequestError && error.param === "prompt",
  );
});

test("a suffix makes prefix, suffix and middle with the marks that the model has, in both spellings; their text in it is text", () => {
  const [prefix, suffix] = ["def the(<|fim_middle|>", "\n<fim_prefix>"];
  for (const spelling of ["<|fim_PART|>", "<fim_PART>"]) {
    const code = tokenizer(["prefix", "suffix", "middle"].map((part) => spelling.replace("PART", part)));
    assert.deepEqual(idsOf({ prompt: prefix, suffix }, code), [[275, ...encode(prefix), 276, ...encode(suffix), 277]]);
    assert.deepEqual(idsOf({ prompt: [1, 2], suffix: "" }, code), [[275, 1, 2, 276, 277]]);
  }
  const refuses = (request: CompletionRequest, param: string) =>
    assert.throws(
      () => promptsOf(plain, request),
      (error) => error instanceof RequestError && error.param === param,
    );
  refuses({ prompt: "the", suffix: "x" }, "suffix");
  refuses({ prompt: "the", suffix: "x", echo: true }, "echo");
});
