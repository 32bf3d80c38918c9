/**
 * The one decoder: a pre-norm transformer with grouped-query attention and a gated feed-forward block.
 *
 *   x += Wo · attend(rope(Wq·h), rope(Wk·h), Wv·h),  h = rmsnorm(x)          x: residual stream [tokens][hiddenSize]
 *   x += Wdown · (act(Wgate·h) · Wup·h),             h = rmsnorm(x)
 *
 * Architectures differ by what is present in the weights (biases, norms of q and k, norms after a block) and by the config.
 * How tokens see each other is the context's business: the decoder only calls rotate, append and attend.
 */
import { embed, matmul, matmuls, PackedRows, type Product, paddedRows } from "../ops/matmul.ts";
import type { ActivationClass, PanelMatrix } from "../ops/panels.ts";
import { fillRows, gateMul, rmsnorm } from "../ops/rows.ts";
import type { SharedHeap } from "../runtime/memory.ts";
import type { Team } from "../runtime/team.ts";
import type { ModelConfig } from "./config.ts";
import type { LayerWeights, ModelWeights } from "./weights.ts";

/** What a layer asks of its sequence. Addresses of f32 [tokens][heads][headDim]. */
export interface LayerContext {
  rotate(layer: number, q: number, k: number): void;
  append(layer: number, k: number, v: number): void;
  attend(layer: number, out: number, q: number): void;
}

/** Rows of logits computed at once: bounds their buffer. */
const LOGIT_ROWS = 32;

export class Decoder {
  private readonly x: number;
  private readonly h: number;
  private readonly q: number;
  private readonly k: number;
  private readonly v: number;
  private readonly attended: number;
  private readonly gate: number;
  private readonly up: number;
  private readonly ids: number;
  private readonly packed: PackedRows;
  private logitsAt?: { address: number; rows: number };
  private readonly team: Team;
  private readonly heap: SharedHeap;
  readonly config: ModelConfig;
  private readonly weights: ModelWeights;
  readonly maxRows: number;

  constructor(team: Team, heap: SharedHeap, config: ModelConfig, weights: ModelWeights, maxRows: number) {
    this.team = team;
    this.heap = heap;
    this.config = config;
    this.weights = weights;
    this.maxRows = maxRows;
    const { hiddenSize, numHeads, numKvHeads, headDim, feedForwardSize } = config;
    const floats = (width: number) => heap.allocate(paddedRows(maxRows) * width * 4);
    this.x = floats(hiddenSize);
    this.h = floats(hiddenSize);
    this.q = floats(numHeads * headDim);
    this.k = floats(numKvHeads * headDim);
    this.v = floats(numKvHeads * headDim);
    this.attended = floats(numHeads * headDim);
    this.gate = floats(feedForwardSize);
    this.up = floats(feedForwardSize);
    this.ids = heap.allocate(maxRows * 4);
    const widest = Math.max(hiddenSize, feedForwardSize, numHeads * headDim);
    this.packed = new PackedRows(heap, maxRows, widest, activationClasses(weights));
  }

  /** Bytes that the constructor allocates for `maxRows` tokens at once, as an upper bound. */
  static workBytes(config: ModelConfig, maxRows: number): number {
    const { hiddenSize, numHeads, numKvHeads, headDim, feedForwardSize } = config;
    const widest = Math.max(hiddenSize, feedForwardSize, numHeads * headDim);
    const width = 2 * hiddenSize + 2 * (numHeads + numKvHeads) * headDim + 2 * feedForwardSize + 3 * widest;
    return paddedRows(maxRows) * width * 4 + config.vocabularySize * 4;
  }

  /** Runs `tokenIds` (at most maxRows) through all layers; the residual stream stays for logits(). */
  forward(tokenIds: Int32Array, context: LayerContext): void {
    this.embed(tokenIds);
    this.weights.layers.forEach((_, index) => {
      this.layer(index, tokenIds.length, context);
    });
  }

  /** The residual stream: f32 [tokens][hiddenSize], of the rows that embed() or layer() left last. */
  get stream(): number {
    return this.x;
  }

  /** Puts the tokens' embeddings into the residual stream. */
  embed(tokenIds: Int32Array): void {
    const { team, heap, config, weights, x } = this;
    const tokens = tokenIds.length;
    if (tokens > this.maxRows) throw new Error(`decoder: ${tokens} tokens at once, at most ${this.maxRows} fit`);
    heap.ints(this.ids, tokens).set(tokenIds);
    embed(team, weights.embedding, this.ids, tokens, x, config.embeddingScale);
  }

  /** Runs one layer over the residual stream. */
  layer(index: number, tokens: number, context: LayerContext): void {
    const layer = this.weights.layers[index];
    this.attentionBlock(layer, index, tokens, context);
    this.feedForwardBlock(layer, tokens);
  }

  /** A layer as far as the keys that its context appends. The residual stream stays as it is. Gives the queries: f32 [tokens][numHeads][headDim]. */
  appendKeys(index: number, tokens: number, context: Pick<LayerContext, "rotate" | "append">): number {
    this.project(this.weights.layers[index], index, tokens, context);
    return this.q;
  }

  /** What a layer's attention output matrix makes of each of its inputs: f32 [numHeads · headDim][hiddenSize]. */
  outputColumns(index: number): Float32Array {
    const { team, heap, config, packed, q, h, maxRows } = this;
    const { hiddenSize, numHeads, headDim } = config;
    const width = numHeads * headDim;
    const columns = new Float32Array(width * hiddenSize);
    for (let first = 0; first < width; first += maxRows) {
      const rows = Math.min(maxRows, width - first);
      const unit = heap.floats(q, rows * width).fill(0);
      for (let row = 0; row < rows; row++) unit[row * width + first + row] = 1;
      packed.set(q, rows, width);
      matmul(team, packed, this.weights.layers[index].output, h);
      columns.set(heap.floats(h, rows * hiddenSize), first * hiddenSize);
    }
    return columns;
  }

  /** Logits of rows [first, first + rows) of the last forward, a view [rows][vocabularySize]-strided by `stride` floats. */
  logits(first: number, rows: number): { logits: Float32Array; stride: number } {
    const { team, heap, config, weights, h } = this;
    if (rows > LOGIT_ROWS) throw new Error(`decoder: at most ${LOGIT_ROWS} rows of logits at once`);
    this.hidden(first, rows);
    this.packed.set(h, rows, config.hiddenSize);
    const stride = weights.output.numPanels * 8;
    const out = this.logitSpace(rows, stride);
    matmul(team, this.packed, weights.output, out);
    return { logits: heap.floats(out, rows * stride), stride };
  }

  /** What the output matrix sees of rows [first, first + rows) of the last forward: a view, f32 [rows][hiddenSize] after the last norm. */
  hidden(first: number, rows: number): Float32Array {
    const { team, heap, config, weights, h } = this;
    const { hiddenSize: width, normEps: eps } = config;
    const x = this.x + first * width * 4;
    rmsnorm(team, { x, weight: weights.outputNorm, out: h, rows, width, eps });
    return heap.floats(h, rows * width);
  }

  private logitSpace(rows: number, stride: number): number {
    if (!this.logitsAt || this.logitsAt.rows < rows) {
      const room = rows === 1 ? 1 : LOGIT_ROWS;
      this.logitsAt = { address: this.heap.allocate(room * stride * 4), rows: room };
    }
    return this.logitsAt.address;
  }

  private attentionBlock(layer: LayerWeights, index: number, tokens: number, context: LayerContext): void {
    const { config, packed, q, attended } = this;
    this.project(layer, index, tokens, context);
    context.attend(index, attended, q);
    packed.set(attended, tokens, config.numHeads * config.headDim);
    this.addToStream(layer.output, layer.postAttentionNorm, tokens);
  }

  private project(
    layer: LayerWeights,
    index: number,
    tokens: number,
    context: Pick<LayerContext, "rotate" | "append">,
  ): void {
    const { team, config, packed, x, h, q, k, v } = this;
    const { hiddenSize, numHeads, numKvHeads, headDim, normEps: eps } = config;
    rmsnorm(team, { x, weight: layer.attentionNorm, out: h, rows: tokens, width: hiddenSize, eps });
    packed.set(h, tokens, hiddenSize);
    matmuls(team, packed, [
      this.projection(layer.query, layer.queryBias, q, tokens),
      this.projection(layer.key, layer.keyBias, k, tokens),
      this.projection(layer.value, layer.valueBias, v, tokens),
    ]);
    if (layer.queryNorm !== undefined)
      rmsnorm(team, { x: q, weight: layer.queryNorm, out: q, rows: tokens * numHeads, width: headDim, eps });
    if (layer.keyNorm !== undefined)
      rmsnorm(team, { x: k, weight: layer.keyNorm, out: k, rows: tokens * numKvHeads, width: headDim, eps });
    context.rotate(index, q, k);
    context.append(index, k, v);
  }

  private feedForwardBlock(layer: LayerWeights, tokens: number): void {
    const { team, config, packed, x, h, gate, up } = this;
    const { hiddenSize, feedForwardSize, normEps: eps } = config;
    rmsnorm(team, { x, weight: layer.feedForwardNorm, out: h, rows: tokens, width: hiddenSize, eps });
    packed.set(h, tokens, hiddenSize);
    matmuls(team, packed, [
      { weights: layer.gate, out: gate },
      { weights: layer.up, out: up },
    ]);
    gateMul(team, config.activation, gate, up, tokens, feedForwardSize);
    packed.set(gate, tokens, feedForwardSize);
    this.addToStream(layer.down, layer.postFeedForwardNorm, tokens);
  }

  /** One of q, k, v; a bias is laid out first and the product added to it. */
  private projection(weights: PanelMatrix, bias: number | undefined, out: number, tokens: number): Product {
    if (bias !== undefined) fillRows(this.team, out, bias, tokens, weights.outputs);
    return { weights, out, accumulate: bias !== undefined };
  }

  /** x += W · packed, or x += norm(W · packed) where the architecture normalises what a block adds. */
  private addToStream(weights: PanelMatrix, norm: number | undefined, tokens: number): void {
    const { team, packed, x, h, config } = this;
    if (norm === undefined) {
      matmul(team, packed, weights, x, { accumulate: true });
      return;
    }
    matmul(team, packed, weights, h);
    rmsnorm(team, {
      x: h,
      weight: norm,
      out: x,
      rows: tokens,
      width: config.hiddenSize,
      eps: config.normEps,
      add: true,
    });
  }
}

function activationClasses(weights: ModelWeights): Set<ActivationClass> {
  const matrices = weights.layers.flatMap(({ query, key, value, output, gate, up, down }) => [
    query,
    key,
    value,
    output,
    gate,
    up,
    down,
  ]);
  return new Set([weights.output, ...matrices].map((matrix) => matrix.format.activations));
}
