/**
 * The decoder by its definition, in f64, for tiny F32 models of the llama architecture (test/support/tiny-model.ts): no pages, no
 * chunks, no kernels. Which tokens a layer has, and which positions they are turned to, is for the caller to say.
 */
import type { GgufModel, MetadataValue } from "./gguf-writer.ts";

/** Told of the softmax weights that a token gives to those before it and to itself. */
export type OnWeights = (head: number, token: number, weights: Float64Array) => void;

export class ReferenceModel {
  readonly numLayers: number;
  private readonly tensors: ReadonlyMap<string, { readonly data: Float32Array; readonly inputs: number }>;
  private readonly metadata: Readonly<Record<string, MetadataValue>>;

  constructor({ metadata, tensors }: GgufModel) {
    this.metadata = metadata;
    this.tensors = new Map(
      tensors.map(({ name, data, shape }) => [name, { data: new Float32Array(data.slice().buffer), inputs: shape[0] }]),
    );
    this.numLayers = this.figure("block_count");
  }

  private figure(key: string): number {
    const value = this.metadata[`llama.${key}`];
    return Number(typeof value === "object" && "value" in value ? value.value : value);
  }

  private tensor(name: string) {
    const tensor = this.tensors.get(`${name}.weight`);
    if (!tensor) throw new Error(`reference: no tensor ${name}`);
    return tensor;
  }

  embed(tokenIds: ArrayLike<number>): Float64Array[] {
    const { data, inputs } = this.tensor("token_embd");
    return Array.from(tokenIds, (id) => Float64Array.from(data.subarray(id * inputs, (id + 1) * inputs)));
  }

  /** One layer over the residual streams x of the tokens that it has, turned to `turns`; each sees itself and those before it. */
  layer(index: number, x: readonly Float64Array[], turns: ArrayLike<number>, onWeights?: OnWeights): Float64Array[] {
    const block = `blk.${index}`;
    const heads = this.figure("attention.head_count");
    const kvHeads = this.figure("attention.head_count_kv");
    const D = this.figure("attention.key_length");
    const normed = x.map((row) => this.norm(`${block}.attn_norm`, row));
    const turned = (name: string) =>
      normed.map((row, t) => rotated(this.product(name, row), D, turns[t], this.figure("rope.freq_base")));
    const [q, k] = [turned(`${block}.attn_q`), turned(`${block}.attn_k`)];
    const v = normed.map((row) => this.product(`${block}.attn_v`, row));
    return x.map((row, t) => {
      const attended = new Float64Array(heads * D);
      for (let head = 0; head < heads; head++) {
        const kvAt = Math.floor(head / (heads / kvHeads)) * D;
        const weights = new Float64Array(t + 1);
        for (let j = 0; j <= t; j++) weights[j] = dot(q[t], head * D, k[j], kvAt, D) / Math.sqrt(D);
        softmax(weights);
        onWeights?.(head, t, weights);
        for (let j = 0; j <= t; j++) for (let c = 0; c < D; c++) attended[head * D + c] += weights[j] * v[j][kvAt + c];
      }
      const middle = sum(row, this.product(`${block}.attn_output`, attended));
      const h = this.norm(`${block}.ffn_norm`, middle);
      const up = this.product(`${block}.ffn_up`, h);
      const gated = this.product(`${block}.ffn_gate`, h).map((g, c) => (g / (1 + Math.exp(-g))) * up[c]);
      return sum(middle, this.product(`${block}.ffn_down`, gated));
    });
  }

  logits(x: Float64Array): Float64Array {
    return this.product("output", this.norm("output_norm", x));
  }

  private norm(name: string, x: Float64Array): Float64Array {
    const { data } = this.tensor(name);
    const square = x.reduce((total, value) => total + value * value, 0) / x.length;
    const scale = 1 / Math.sqrt(square + this.figure("attention.layer_norm_rms_epsilon"));
    return x.map((value, c) => value * scale * data[c]);
  }

  private product(name: string, x: Float64Array): Float64Array {
    const { data, inputs } = this.tensor(name);
    return Float64Array.from({ length: data.length / inputs }, (_, row) => dot(data, row * inputs, x, 0, inputs));
  }
}

type Floats = Float32Array | Float64Array;

function dot(a: Floats, aAt: number, b: Floats, bAt: number, length: number): number {
  let total = 0;
  for (let c = 0; c < length; c++) total += a[aAt + c] * b[bAt + c];
  return total;
}

function sum(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, c) => value + b[c]);
}

function softmax(scores: Float64Array): void {
  const most = scores.reduce((a, b) => Math.max(a, b));
  let total = 0;
  scores.forEach((score, j) => {
    scores[j] = Math.exp(score - most);
    total += scores[j];
  });
  for (let j = 0; j < scores.length; j++) scores[j] /= total;
}

/** RoPE of heads of D dimensions, neighbours paired. */
function rotated(x: Float64Array, D: number, position: number, base: number): Float64Array {
  const out = new Float64Array(x.length);
  for (let i = 0; i < x.length; i += 2) {
    const angle = position * base ** (-(i % D) / D);
    out[i] = x[i] * Math.cos(angle) - x[i + 1] * Math.sin(angle);
    out[i + 1] = x[i] * Math.sin(angle) + x[i + 1] * Math.cos(angle);
  }
  return out;
}
