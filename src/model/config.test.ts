import assert from "node:assert/strict";
import { test } from "node:test";
import type { Gguf, GgufValue } from "../formats/gguf.ts";
import { tensorTypes } from "../formats/tensor-types.ts";
import { InputError, UnsupportedError } from "../runtime/errors.ts";
import { readModelConfig } from "./config.ts";

/** The header of a small file: metadata keys without the architecture in front; undefined leaves one out. */
function header(architecture: string, changes: Record<string, GgufValue | undefined> = {}, shape = [256, 1000]): Gguf {
  const values: Record<string, GgufValue | undefined> = {
    context_length: 4096,
    embedding_length: 256,
    block_count: 7,
    feed_forward_length: 512,
    "attention.head_count": 4,
    "attention.head_count_kv": 2,
    "attention.layer_norm_rms_epsilon": 1e-6,
    "rope.freq_base": 1e6,
    ...changes,
  };
  const metadata = new Map<string, GgufValue>([["general.architecture", architecture]]);
  for (const [key, value] of Object.entries(values)) {
    if (value !== undefined) metadata.set(`${architecture}.${key}`, value);
  }
  const name = "token_embd.weight";
  return { metadata, tensors: new Map([[name, { name, shape, type: tensorTypes[0], offset: 0, bytes: 0 }]]) };
}

test("a llama file: sizes from metadata, vocabulary from the embedding, head size from the width, adjacent pairs turn", () => {
  assert.deepEqual(readModelConfig(header("llama", { "rope.freq_base": 5e5 })), {
    name: "llama",
    architecture: "llama",
    contextLength: 4096,
    vocabularySize: 1000,
    hiddenSize: 256,
    feedForwardSize: 512,
    numLayers: 7,
    numHeads: 4,
    numKvHeads: 2,
    headDim: 64,
    normEps: 1e-6,
    activation: "silu",
    embeddingScale: 1,
    attentionScale: 1 / 8,
    rotary: 64,
    ropeInterleaved: true,
    layers: Array.from({ length: 7 }, () => ({ window: 0, rope: { base: 5e5 } })),
  });
});

test("what older files leave out: one KV head a query head, base 10,000", () => {
  const { numKvHeads, layers } = readModelConfig(
    header("llama", { "attention.head_count_kv": undefined, "rope.freq_base": undefined }),
  );
  assert.equal(numKvHeads, 4);
  assert.equal(layers[0].rope.base, 10_000);
});

test("qwen2, qwen3 and gemma3 turn halves, llama and mistral adjacent pairs; only gemma3 gates with GELU", () => {
  for (const architecture of ["llama", "mistral", "qwen2", "qwen3", "gemma3"]) {
    const { ropeInterleaved, activation } = readModelConfig(header(architecture));
    assert.equal(ropeInterleaved, ["llama", "mistral"].includes(architecture), architecture);
    assert.equal(activation, architecture === "gemma3" ? "gelu" : "silu", architecture);
  }
});

test("heads may be wider than the model: key_length wins over the width, and scores are scaled by it", () => {
  const changes = { "attention.key_length": 128, "attention.value_length": 128 };
  const { headDim, rotary, attentionScale } = readModelConfig(header("qwen3", changes));
  assert.deepEqual([headDim, rotary, attentionScale], [128, 128, 1 / Math.sqrt(128)]);
});

test("gemma3: every sixth layer is global with the file's base, the others have the window and base 10,000", () => {
  const { layers, embeddingScale } = readModelConfig(header("gemma3", { "attention.sliding_window": 512 }));
  const local = { window: 512, rope: { base: 10_000 } };
  const global = { window: 0, rope: { base: 1e6 } };
  assert.deepEqual(layers, [local, local, local, local, local, global, local]);
  assert.equal(embeddingScale, 16);
});

test("linear scaling of the file divides positions, in gemma3 those of global layers alone", () => {
  const changes = { "rope.scaling.type": "linear", "rope.scaling.factor": 8 };
  const linear = { type: "linear", factor: 8 };
  for (const { rope } of readModelConfig(header("qwen2", changes)).layers) assert.deepEqual(rope.scaling, linear);
  const gemma = readModelConfig(header("gemma3", changes)).layers;
  assert.deepEqual(
    gemma.map(({ rope }) => rope.scaling),
    [...Array(5).fill(undefined), linear, undefined],
  );
});

test("unknown architectures, head sizes and rope scalings are unsupported, with what is", () => {
  const wrong: [Gguf, RegExp][] = [
    [header("mamba"), /architecture "mamba" is not supported.*llama.*gemma3/],
    [{ metadata: new Map(), tensors: new Map() }, /architecture "" is not supported/],
    [header("llama", { "attention.key_length": 80 }), /head size 80 .*64, 96, 128, 256/],
    [header("llama", { "attention.key_length": 128, "attention.value_length": 64 }), /head size 128 \(values 64\)/],
    [header("llama", { "rope.scaling.type": "su" }), /rope scaling "su"/],
  ];
  for (const [file, message] of wrong)
    assert.throws(
      () => readModelConfig(file),
      (error) => error instanceof UnsupportedError && message.test(error.message),
      String(message),
    );
});

test("numbers that are missing or cannot be are refused by name", () => {
  const wrong: [Gguf, RegExp][] = [
    [header("llama", { context_length: undefined }), /"llama\.context_length" is missing/],
    [header("llama", { block_count: "many" }), /"llama\.block_count"/],
    [header("llama", { embedding_length: Number.NaN }), /"llama\.embedding_length"/],
    [header("llama", { block_count: 0 }), /"llama\.block_count"/],
    [header("llama", { block_count: 2 ** 32 - 1 }), /"llama\.block_count"/],
    [header("llama", { context_length: -1 }), /"llama\.context_length"/],
    [header("llama", { feed_forward_length: 0.5 }), /"llama\.feed_forward_length"/],
    [header("llama", { "attention.head_count": 0 }), /"llama\.attention\.head_count"/],
    [header("llama", { "attention.head_count_kv": 0 }), /"llama\.attention\.head_count_kv"/],
    [header("llama", { "attention.head_count_kv": 3 }), /4 query heads cannot share 3 KV heads/],
    [header("llama", { "attention.layer_norm_rms_epsilon": -1 }), /"llama\.attention\.layer_norm_rms_epsilon"/],
    [header("llama", { "rope.freq_base": 0 }), /"llama\.rope\.freq_base"/],
    [header("llama", { "rope.dimension_count": 128 }), /"llama\.rope\.dimension_count"/],
    [header("llama", { "rope.dimension_count": 63 }), /"llama\.rope\.dimension_count"/],
    [header("llama", { "rope.scaling.type": "linear", "rope.scaling.factor": 0 }), /"llama\.rope\.scaling\.factor"/],
    [header("gemma3", { "attention.sliding_window": -5 }), /"gemma3\.attention\.sliding_window"/],
    [header("gemma3", { "attention.sliding_window_pattern": 0 }), /"gemma3\.attention\.sliding_window_pattern"/],
    [header("llama", {}, [256]), /"token_embd\.weight" is missing or not a matrix/],
  ];
  for (const [file, message] of wrong)
    assert.throws(
      () => readModelConfig(file),
      (error) => error instanceof InputError && message.test(error.message),
      String(message),
    );
});
