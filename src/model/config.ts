/** What a decoder is, read from GGUF metadata. Names are those of Hugging Face configs, camel-cased. */
import type { Gguf, GgufMetadata, GgufValue } from "../formats/gguf.ts";
import { type RopeScaling, readRopeScaling } from "../formats/rope-scaling.ts";
import type { GateActivation } from "../ops/rows.ts";
import type { ByteSource } from "../platform/platform.ts";
import { InputError, UnsupportedError } from "../runtime/errors.ts";

export interface ModelConfig {
  readonly name: string;
  readonly architecture: string;
  readonly contextLength: number;
  readonly vocabularySize: number;
  readonly hiddenSize: number;
  readonly feedForwardSize: number;
  readonly numLayers: number;
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly headDim: number;
  readonly normEps: number;
  readonly activation: GateActivation;
  /** Embeddings are multiplied by this. */
  readonly embeddingScale: number;
  readonly attentionScale: number;
  readonly rotary: number;
  readonly ropeInterleaved: boolean;
  readonly layers: readonly LayerConfig[];
}

export interface LayerConfig {
  /** Sliding window in tokens; 0 for full attention. */
  readonly window: number;
  readonly rope: RopeConfig;
}

export interface RopeConfig {
  readonly base: number;
  /** Of the file; sliding-window layers have none. */
  readonly scaling?: RopeScaling;
}

/** Rotary pairing is not in the metadata: it belongs to the architecture. */
const architectures: Record<string, { interleaved: boolean; activation: GateActivation }> = {
  llama: { interleaved: true, activation: "silu" },
  mistral: { interleaved: true, activation: "silu" },
  qwen2: { interleaved: false, activation: "silu" },
  qwen3: { interleaved: false, activation: "silu" },
  gemma3: { interleaved: false, activation: "gelu" },
};

const HEAD_DIMS = [64, 96, 128, 256];

/** `source` is the file, for what the header does not hold. */
export function readModelConfig(gguf: Gguf, source?: ByteSource): ModelConfig {
  const { metadata, tensors } = gguf;
  const architecture = String(metadata.get("general.architecture") ?? "");
  const traits = architectures[architecture];
  if (!traits) {
    const known = Object.keys(architectures).join(", ");
    throw new UnsupportedError(
      `model: architecture "${architecture}" is not supported. Use a model of one of ${known}.`,
    );
  }
  const need = (key: string) => size(metadata, `${architecture}.${key}`);
  const optional = (key: string, fallback: number) => size(metadata, `${architecture}.${key}`, fallback);

  const hiddenSize = need("embedding_length");
  const numHeads = need("attention.head_count");
  const numLayers = size(metadata, `${architecture}.block_count`, undefined, MOST_LAYERS);
  const headDim = optional("attention.key_length", hiddenSize / numHeads);
  const numKvHeads = optional("attention.head_count_kv", numHeads);
  const vocabularySize = tensors.get("token_embd.weight")?.shape[1];
  if (vocabularySize === undefined)
    throw new InputError('model: tensor "token_embd.weight" is missing or not a matrix. Download the file again.');
  checkHeads(headDim, numHeads, numKvHeads, optional("attention.value_length", headDim));

  const gemma = architecture === "gemma3";
  const scaling = readRopeScaling(gguf, architecture, source);
  return {
    name: String(metadata.get("general.name") ?? architecture),
    architecture,
    contextLength: need("context_length"),
    vocabularySize,
    hiddenSize,
    feedForwardSize: need("feed_forward_length"),
    numLayers,
    numHeads,
    numKvHeads,
    headDim,
    normEps: positive(metadata, `${architecture}.attention.layer_norm_rms_epsilon`),
    activation: traits.activation,
    embeddingScale: gemma ? Math.sqrt(hiddenSize) : 1,
    attentionScale: 1 / Math.sqrt(headDim),
    rotary: rotaryOf(metadata, architecture, headDim),
    ropeInterleaved: traits.interleaved,
    layers: Array.from({ length: numLayers }, (_, layer) => layerConfig(metadata, architecture, layer, scaling)),
  };
}

/** gemma3: five sliding-window layers with base 10,000, then one full layer. Older files do not say so. */
function layerConfig(
  metadata: GgufMetadata,
  architecture: string,
  layer: number,
  scaling: RopeScaling | undefined,
): LayerConfig {
  const get = (key: string, fallback: number) => positive(metadata, `${architecture}.${key}`, fallback);
  const rope = { base: get("rope.freq_base", 10_000), ...(scaling && { scaling }) };
  if (architecture !== "gemma3") return { window: 0, rope };
  const pattern = size(metadata, `${architecture}.attention.sliding_window_pattern`, 6);
  if ((layer + 1) % pattern === 0) return { window: 0, rope };
  const window = size(metadata, `${architecture}.attention.sliding_window`, 512);
  return { window, rope: { base: get("rope.freq_base_swa", 10_000) } };
}

function checkHeads(headDim: number, numHeads: number, numKvHeads: number, valueDim: number): void {
  if (!HEAD_DIMS.includes(headDim) || valueDim !== headDim)
    throw new UnsupportedError(
      `model: head size ${headDim} (values ${valueDim}) is not supported. Use one of ${HEAD_DIMS.join(", ")}.`,
    );
  if (numHeads % numKvHeads !== 0)
    throw new InputError(
      `model: ${numHeads} query heads cannot share ${numKvHeads} KV heads evenly. Download the file again.`,
    );
}

/** Leading dimensions of a head that turn, in pairs. */
function rotaryOf(metadata: GgufMetadata, architecture: string, headDim: number): number {
  const key = `${architecture}.rope.dimension_count`;
  const rotary = size(metadata, key, headDim);
  if (rotary > headDim || rotary % 2 !== 0) throw wrongNumber(key, `an even number up to ${headDim}`, rotary);
  return rotary;
}

/** Far above any model; what is larger would only fill the memory before anything else is checked. */
const LARGEST_SIZE = 2 ** 28;
const MOST_LAYERS = 10_000;

function size(metadata: GgufMetadata, key: string, fallback?: number, most = LARGEST_SIZE): number {
  const value = positive(metadata, key, fallback);
  if (!Number.isInteger(value) || value > most) throw wrongNumber(key, `a whole number up to ${most}`, value);
  return value;
}

function positive(metadata: GgufMetadata, key: string, fallback?: number): number {
  const value = metadata.get(key) ?? fallback;
  if (value === undefined) throw new InputError(`model: metadata "${key}" is missing. Use another file.`);
  if (typeof value !== "number" || !Number.isFinite(value) || value <= 0)
    throw wrongNumber(key, "a number above 0", value);
  return value;
}

function wrongNumber(key: string, expected: string, value: GgufValue): InputError {
  const got = String(value).slice(0, 100);
  return new InputError(`model: metadata "${key}": expected ${expected}, got ${got}. Use another file.`, {
    got: value,
  });
}
