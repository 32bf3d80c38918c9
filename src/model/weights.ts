/** From the tensors of a file to what the decoder computes with: panel matrices and f32 vectors in the shared memory. */
import type { Gguf, GgufTensor } from "../formats/gguf.ts";
import { dequantize } from "../formats/quant/dequantize.ts";
import { allocatePanels, type PanelMatrix, packWeights, panelBytes } from "../ops/panels.ts";
import type { ByteSource } from "../platform/platform.ts";
import { InputError, UnsupportedError } from "../runtime/errors.ts";
import type { SharedHeap } from "../runtime/memory.ts";
import type { Team } from "../runtime/team.ts";
import type { ModelConfig } from "./config.ts";

export interface LayerWeights {
  attentionNorm: number;
  query: PanelMatrix;
  key: PanelMatrix;
  value: PanelMatrix;
  output: PanelMatrix;
  queryBias?: number;
  keyBias?: number;
  valueBias?: number;
  queryNorm?: number;
  keyNorm?: number;
  /** gemma3 normalises what a block adds to the residual stream. */
  postAttentionNorm?: number;
  feedForwardNorm: number;
  gate: PanelMatrix;
  up: PanelMatrix;
  down: PanelMatrix;
  postFeedForwardNorm?: number;
}

export interface ModelWeights {
  embedding: PanelMatrix;
  outputNorm: number;
  /** The embedding itself where the file ties them. */
  output: PanelMatrix;
  layers: LayerWeights[];
}

/** Bytes of all tensors once loaded: known before anything is read. */
export function weightBytes(gguf: Gguf): number {
  let bytes = 0;
  for (const { type, shape } of gguf.tensors.values()) {
    bytes += shape.length > 1 ? panelBytes(type, shape[0], shape[1]) : shape[0] * 4;
  }
  return bytes;
}

const STAGING_BYTES = 8 << 20;

export interface WeightSource {
  gguf: Gguf;
  file: ByteSource;
  onProgress: (doneBytes: number, totalBytes: number) => void;
}

export function loadWeights(team: Team, heap: SharedHeap, config: ModelConfig, source: WeightSource): ModelWeights {
  const { gguf, file, onProgress } = source;
  const total = [...gguf.tensors.values()].reduce((sum, tensor) => sum + tensor.bytes, 0);
  const staging = heap.allocate(STAGING_BYTES);
  let done = 0;

  const find = (name: string, shape: number[]): GgufTensor => {
    const tensor = gguf.tensors.get(name);
    if (!tensor) throw new InputError(`model: tensor "${name}" is missing. Use another file.`);
    if (tensor.shape.length !== shape.length || tensor.shape.some((dim, i) => dim !== shape[i]))
      throw new InputError(
        `model: tensor "${name}": expected shape [${shape}], got [${tensor.shape}]. Use another file.`,
      );
    return tensor;
  };
  const advance = (bytes: number) => {
    done += bytes;
    onProgress(done, total);
  };

  const matrix = (name: string, inputs: number, outputs: number): PanelMatrix => {
    const tensor = find(name, [inputs, outputs]);
    if (inputs % 32 !== 0)
      throw new UnsupportedError(
        `model: tensor "${name}": rows of ${inputs} are not a multiple of 32. Use another model.`,
      );
    const rowBytes = tensor.bytes / outputs;
    const panels = allocatePanels(heap, tensor.type, inputs, outputs);
    const rowsAtOnce = Math.max(8, Math.floor(STAGING_BYTES / rowBytes / 8) * 8);
    if (rowBytes * 8 > STAGING_BYTES)
      throw new UnsupportedError(`model: tensor "${name}": rows of ${rowBytes} bytes are too long.`);
    for (let row = 0; row < outputs; row += rowsAtOnce) {
      const rows = Math.min(rowsAtOnce, outputs - row);
      file.read(tensor.offset + row * rowBytes, heap.u8.subarray(staging, staging + rows * rowBytes));
      packWeights(team, panels, tensor.type, rows, staging, row / 8);
      advance(rows * rowBytes);
    }
    return panels;
  };
  const vector = (name: string, length: number): number => {
    const tensor = find(name, [length]);
    const bytes = new Uint8Array(tensor.bytes);
    file.read(tensor.offset, bytes);
    const address = heap.allocate(length * 4);
    heap.floats(address, length).set(dequantize(tensor.type, bytes, length));
    advance(tensor.bytes);
    return address;
  };
  const optional = (name: string, length: number) => (gguf.tensors.has(name) ? vector(name, length) : undefined);

  const { hiddenSize, feedForwardSize, vocabularySize, numHeads, numKvHeads, headDim } = config;
  const layer = (index: number): LayerWeights => {
    const name = (part: string) => `blk.${index}.${part}`;
    return {
      attentionNorm: vector(name("attn_norm.weight"), hiddenSize),
      query: matrix(name("attn_q.weight"), hiddenSize, numHeads * headDim),
      key: matrix(name("attn_k.weight"), hiddenSize, numKvHeads * headDim),
      value: matrix(name("attn_v.weight"), hiddenSize, numKvHeads * headDim),
      output: matrix(name("attn_output.weight"), numHeads * headDim, hiddenSize),
      queryBias: optional(name("attn_q.bias"), numHeads * headDim),
      keyBias: optional(name("attn_k.bias"), numKvHeads * headDim),
      valueBias: optional(name("attn_v.bias"), numKvHeads * headDim),
      queryNorm: optional(name("attn_q_norm.weight"), headDim),
      keyNorm: optional(name("attn_k_norm.weight"), headDim),
      postAttentionNorm: optional(name("post_attention_norm.weight"), hiddenSize),
      feedForwardNorm: vector(name("ffn_norm.weight"), hiddenSize),
      gate: matrix(name("ffn_gate.weight"), hiddenSize, feedForwardSize),
      up: matrix(name("ffn_up.weight"), hiddenSize, feedForwardSize),
      down: matrix(name("ffn_down.weight"), feedForwardSize, hiddenSize),
      postFeedForwardNorm: optional(name("post_ffw_norm.weight"), hiddenSize),
    };
  };

  const embedding = matrix("token_embd.weight", hiddenSize, vocabularySize);
  return {
    embedding,
    outputNorm: vector("output_norm.weight", hiddenSize),
    output: gguf.tensors.has("output.weight") ? matrix("output.weight", hiddenSize, vocabularySize) : embedding,
    layers: Array.from({ length: config.numLayers }, (_, index) => layer(index)),
  };
}
