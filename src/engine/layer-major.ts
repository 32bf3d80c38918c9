/**
 * Reading layer by layer: all tokens go through one layer before any goes through the next, so that only one layer's keys and
 * values are held in full, and its slots can be dropped before the next begins. The residual stream of all tokens waits in memory.
 */
import type { Dropping } from "../context/cache/plan.ts";
import type { Decoder } from "../model/decoder.ts";
import type { SharedHeap } from "../runtime/memory.ts";
import type { PagePool } from "./page-pool.ts";
import type { Sequence } from "./sequence.ts";

export interface LayerMajorParts {
  readonly heap: SharedHeap;
  readonly pool: PagePool;
  readonly decoder: Decoder;
  readonly sequence: Sequence;
}

export class LayerMajorRead {
  private readonly parts: LayerMajorParts;
  private readonly tokenIds: Int32Array;
  /** f32 [tokens][hiddenSize] */
  private readonly stream: number;
  private readonly begin: number;

  constructor(parts: LayerMajorParts, tokenIds: Int32Array) {
    this.parts = parts;
    this.tokenIds = tokenIds;
    this.begin = parts.sequence.length;
    this.stream = parts.pool.take(this.bytes);
  }

  private get rowBytes(): number {
    return this.parts.decoder.config.hiddenSize * 4;
  }

  private get bytes(): number {
    return this.tokenIds.length * this.rowBytes;
  }

  /** Runs tokens [first, first + count) through a layer; chunks of a layer come in order. The decoder holds their stream after it. */
  step(layer: number, first: number, count: number): void {
    const { heap, decoder, sequence } = this.parts;
    const { rowBytes, stream } = this;
    const rows = stream + first * rowBytes;
    if (layer === 0) decoder.embed(this.tokenIds.subarray(first, first + count));
    else heap.u8.copyWithin(decoder.stream, rows, rows + count * rowBytes);
    if (first === 0) sequence.stores.length = this.begin;
    const tokensAfter = this.tokenIds.length - first - count;
    const tracing = tokensAfter === 0 ? "prompt" : undefined;
    sequence.runLayer(decoder, layer, { tokens: count, tokensAfter, tracing });
    heap.u8.copyWithin(rows, decoder.stream, decoder.stream + count * rowBytes);
  }

  /** The layer is done with all tokens. */
  drop(layer: number, dropping: Dropping): void {
    this.parts.sequence.drop(this.parts.decoder, dropping, { once: true, only: layer });
  }

  dispose(): void {
    this.parts.pool.give(this.stream, this.bytes);
  }
}
