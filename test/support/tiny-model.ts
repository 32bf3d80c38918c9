/**
 * Small random models of every architecture, complete enough for the whole stack: weights, metadata, tokenizer.
 * The same options give the same bytes on every machine. Activations stay near 1, logits have a deviation of about 3,
 * attention is neither flat nor one-hot, and norms and biases are never trivial, so that leaving one out shows.
 */
import { existsSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeGguf, type GgufModel, type MetadataValue, type TensorData, typed } from "./gguf-writer.ts";
import { readTinyGolden } from "./golden.ts";
import { quantize, randomBlocks } from "./quantize.ts";
import { randomFloats } from "./random.ts";
import { leastVocabularySize, vocabularyMetadata } from "./tiny-vocabulary.ts";

export type Architecture = "llama" | "qwen2" | "qwen3" | "gemma3";

export interface TinyModelOptions {
  seed?: number;
  layers?: number;
  headDim?: number;
  numHeads?: number;
  numKvHeads?: number;
  hiddenSize?: number;
  feedForward?: number;
  /** At least 275. */
  vocabularySize?: number;
  contextLength?: number;
  /** Of every matrix; norms and biases are F32. K types need row lengths that are multiples of 256. */
  tensorType?: string;
  /** Tokens that a local layer of gemma3 sees, itself included. */
  slidingWindow?: number;
  /** Embedding and output head are one matrix. */
  tied?: boolean;
}

const defaults: Required<TinyModelOptions> = {
  seed: 1,
  layers: 2,
  headDim: 64,
  numHeads: 4,
  numKvHeads: 2,
  hiddenSize: 256,
  feedForward: 512,
  vocabularySize: leastVocabularySize,
  contextLength: 2048,
  tensorType: "F32",
  slidingWindow: 32,
  tied: false,
};

export function tinyModel(architecture: Architecture, options: TinyModelOptions = {}): GgufModel {
  const filled = { ...defaults, ...options };
  return {
    metadata: {
      "general.architecture": architecture,
      "general.name": `tiny ${architecture}`,
      ...modelMetadata(architecture, filled),
      ...vocabularyMetadata(filled.vocabularySize),
    },
    tensors: modelTensors(architecture, filled),
  };
}

/** Writes the model of test/golden/tiny/<name>.json into the temporary folder, once for all test files, and gives its path. */
export async function writeTinyModel(name: string): Promise<string> {
  const { architecture, options, sha256 } = readTinyGolden(name);
  const path = join(tmpdir(), `longspan-${name}-${sha256.slice(0, 16)}.gguf`);
  if (existsSync(path)) return path;
  // Renamed when complete: another test process may look for it at the same time.
  const partial = `${path}.${process.pid}`;
  writeFileSync(partial, encodeGguf(tinyModel(architecture, options)));
  renameSync(partial, path);
  return path;
}

function modelMetadata(architecture: Architecture, options: Required<TinyModelOptions>): Record<string, MetadataValue> {
  const values: Record<string, MetadataValue> = {
    context_length: options.contextLength,
    embedding_length: options.hiddenSize,
    block_count: options.layers,
    feed_forward_length: options.feedForward,
    "attention.head_count": options.numHeads,
    "attention.head_count_kv": options.numKvHeads,
    "attention.key_length": options.headDim,
    "attention.value_length": options.headDim,
    // Larger than in real models, so that a wrong one shows.
    "attention.layer_norm_rms_epsilon": 1e-3,
    "rope.dimension_count": options.headDim,
    "rope.freq_base": typed("f32", architecture === "llama" ? 1e4 : 1e6),
    vocab_size: options.vocabularySize,
  };
  if (architecture === "gemma3") values["attention.sliding_window"] = options.slidingWindow;
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [`${architecture}.${key}`, value]));
}

function modelTensors(architecture: Architecture, options: Required<TinyModelOptions>): TensorData[] {
  const { seed, layers, headDim, numHeads, numKvHeads, hiddenSize, feedForward, vocabularySize, tensorType } = options;
  const tensors: TensorData[] = [];

  /** y = x · Wᵀ with y about as large as `gain` · x. */
  function matrix(name: string, inputs: number, outputs: number, gain = 1): void {
    const data = matrixBytes(tensorType, inputs * outputs, gain / Math.sqrt(inputs), seedOf(name, seed));
    tensors.push({ name: `${name}.weight`, type: tensorType, shape: [inputs, outputs], data });
  }
  function vector(name: string, length: number, make: (noise: number, i: number) => number): void {
    const data = quantize("F32", randomFloats(length, seedOf(name, seed)).map(make));
    tensors.push({ name, type: "F32", shape: [length], data });
  }
  const norm = (name: string, length: number, mean = 1) =>
    vector(`${name}.weight`, length, (noise) => mean * (1 + 0.2 * noise));

  const queryGain = architecture === "gemma3" ? 1.2 : 2; // deviation of scores; small rounding must not grow over many layers
  const logitDeviation = 3;
  // Gemma multiplies embeddings by sqrt(hiddenSize). Small ones, with a large last norm, keep a tied head from always
  // repeating its input.
  const headGain = architecture === "gemma3" ? 0.3 : logitDeviation;
  const hasHeadNorms = architecture === "qwen3" || architecture === "gemma3";
  matrix("token_embd", hiddenSize, vocabularySize, headGain);
  for (let layer = 0; layer < layers; layer++) {
    const block = `blk.${layer}`;
    norm(`${block}.attn_norm`, hiddenSize);
    matrix(`${block}.attn_q`, hiddenSize, numHeads * headDim, hasHeadNorms ? 1 : queryGain);
    matrix(`${block}.attn_k`, hiddenSize, numKvHeads * headDim);
    matrix(`${block}.attn_v`, hiddenSize, numKvHeads * headDim);
    if (architecture === "qwen2") {
      vector(`${block}.attn_q.bias`, numHeads * headDim, (noise) => 0.5 * noise);
      // A few channels of every key are far from zero, as in the real models: cache formats must cope.
      vector(`${block}.attn_k.bias`, numKvHeads * headDim, (noise, i) => noise * (i % 23 === 5 ? 8 : 0.5));
      vector(`${block}.attn_v.bias`, numKvHeads * headDim, (noise) => 0.5 * noise);
    }
    if (hasHeadNorms) {
      norm(`${block}.attn_q_norm`, headDim, queryGain);
      norm(`${block}.attn_k_norm`, headDim);
    }
    matrix(`${block}.attn_output`, numHeads * headDim, hiddenSize, 2); // averaging over values made them small
    if (architecture === "gemma3") norm(`${block}.post_attention_norm`, hiddenSize);
    norm(`${block}.ffn_norm`, hiddenSize);
    matrix(`${block}.ffn_gate`, hiddenSize, feedForward);
    matrix(`${block}.ffn_up`, hiddenSize, feedForward);
    matrix(`${block}.ffn_down`, feedForward, hiddenSize, 2);
    if (architecture === "gemma3") norm(`${block}.post_ffw_norm`, hiddenSize);
  }
  norm("output_norm", hiddenSize, logitDeviation / headGain);
  if (!options.tied) matrix("output", hiddenSize, vocabularySize, headGain);
  return tensors;
}

function matrixBytes(typeName: string, elements: number, deviation: number, seed: number): Uint8Array {
  if (typeName.endsWith("_K")) return randomBlocks(typeName, elements / 256, deviation, seed);
  return quantize(typeName, randomFloats(elements, seed, deviation));
}

/** Every tensor has its own stream, so that adding one leaves the others as they were (FNV-1a of its name). */
function seedOf(name: string, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x0100_0193);
  return hash;
}
