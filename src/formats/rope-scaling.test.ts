import assert from "node:assert/strict";
import { test } from "node:test";
import type { ByteSource } from "../platform/platform.ts";
import { InputError, UnsupportedError } from "../runtime/errors.ts";
import type { Gguf, GgufTensor, GgufValue } from "./gguf.ts";
import { readRopeScaling } from "./rope-scaling.ts";
import { tensorTypes } from "./tensor-types.ts";

/** A file with these scaling keys, and a tensor of these numbers. */
function fileWith(
  scaling: Record<string, GgufValue>,
  { name, values, type = "F32" }: { name: string; values: number[]; type?: string } = { name: "other", values: [1] },
): [Gguf, ByteSource] {
  const bytes = new Uint8Array(Float32Array.from(values).buffer);
  const tensor: GgufTensor = {
    name,
    type: tensorTypes.find((one) => one.name === type)!,
    shape: [values.length],
    offset: 0,
    bytes: bytes.length,
  };
  const metadata = new Map(Object.entries(scaling).map(([key, value]) => [`llama.rope.scaling.${key}`, value]));
  const source = { read: (offset: number, into: Uint8Array) => into.set(bytes.subarray(offset, offset + into.length)) };
  return [{ metadata, tensors: new Map([[name, tensor]]) }, source as ByteSource];
}

const read = (...args: Parameters<typeof fileWith>) => {
  const [gguf, source] = fileWith(...args);
  return readRopeScaling(gguf, "llama", source);
};

test("no scaling, linear with factor 1: none", () => {
  assert.equal(read({}), undefined);
  assert.equal(read({ type: "none" }), undefined);
  assert.equal(read({ type: "linear", factor: 1 }), undefined);
});

test("linear and yarn with their numbers; yarn needs the original length", () => {
  assert.deepEqual(read({ type: "linear", factor: 8 }), { type: "linear", factor: 8 });
  const yarn = { type: "yarn", factor: 4, original_context_length: 32768 };
  const expected = { type: "yarn", factor: 4, originalLength: 32768 };
  assert.deepEqual(read(yarn), { ...expected, attentionFactor: 1 });
  assert.deepEqual(read({ ...yarn, attn_factor: 0.5 }), { ...expected, attentionFactor: 0.5 });
  assert.throws(() => read({ type: "yarn", factor: 4 }), /"llama\.rope\.scaling\.original_context_length"/);
});

test("llama3's and longrope's divisors come from their tensors", () => {
  const values = [1, 1.5, 8, 32];
  assert.deepEqual(read({}, { name: "rope_freqs.weight", values }), {
    type: "divisors",
    divisors: values,
    attentionFactor: 1,
  });
  assert.deepEqual(read({ type: "longrope", attn_factor: 1.25 }, { name: "rope_factors_long.weight", values }), {
    type: "divisors",
    divisors: values,
    attentionFactor: 1.25,
  });
});

test("a missing list, one of another type, and unknown scalings are refused", () => {
  assert.throws(() => read({ type: "longrope" }), InputError);
  assert.throws(() => read({}, { name: "rope_freqs.weight", values: [1], type: "F16" }), /type F32, got F16/);
  assert.throws(() => read({ type: "su" }), UnsupportedError);
});
