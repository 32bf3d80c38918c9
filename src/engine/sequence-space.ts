/** Work space that all sequences of an engine share: one chunk is computed at a time. */
import { STEP } from "../context/position/zones.ts";
import type { ModelConfig } from "../model/config.ts";
import { floatPageBytes, itemBytes, MOST_ZONES, PAGE_SLOTS, partialBytes } from "../ops/attention.ts";
import type { SharedHeap } from "../runtime/memory.ts";
import { type LayerShape, layerShapes } from "./layer-shapes.ts";

/** A chunk of at most this many tokens splits its keys over threads; longer ones have enough query tiles. */
export const SPLIT_TOKENS = 8;

/** Parts at most of all KV heads together, for as many threads. */
const MOST_SPLITS = 32;

/** Most sequences that give a token each to one chunk. */
export const MOST_SEQUENCES = 32;

/** f32 pages that a chunk fills, shared by all sequences: [KV heads][pages of a chunk]. */
export interface Staging {
  readonly pages: Uint32Array[];
  /** u32 space for the page addresses of one append and for the (from, to) pairs of one seal. */
  readonly runTable: number;
  readonly pairTable: number;
}

/** Tables [tokens][rotary/2 cosines, rotary/2 sines]: of each key store, and of the queries of each zone. */
export interface RotaryTables {
  readonly keys: readonly number[];
  readonly queries: readonly number[];
}

/** What methods with zones need besides, set aside when the first of them is used. */
export interface ZoneSpace {
  /** Queries of zones 1 and on: f32 [tokens][numHeads][headDim]. */
  readonly queries: readonly number[];
  /** Keys of store 1: f32 [tokens][numKvHeads][headDim]. */
  readonly keys: number;
  readonly staging: Staging;
}

/** Key copies that a position method may have. */
const MOST_STORES = 2;

export class SequenceSpace {
  readonly positions: number;
  readonly staging: Staging;
  readonly itemSpace: number;
  readonly partials: number;
  readonly shapes: LayerShape[];
  /** Parts at most that a KV head's keys are split into; not by the number of threads, on which no sum may depend. */
  readonly splits: number;
  /** One for each distinct rotary profile: at most one for layers with a window and one for those without. */
  readonly tables: readonly RotaryTables[];
  private zoneSpace?: ZoneSpace;
  private readonly heap: SharedHeap;
  private readonly config: ModelConfig;
  private readonly maxTokens: number;

  constructor(heap: SharedHeap, config: ModelConfig, maxTokens: number) {
    this.heap = heap;
    this.config = config;
    this.maxTokens = maxTokens;
    this.shapes = layerShapes(config);
    const { numKvHeads, rotary } = config;
    this.positions = heap.allocate(maxTokens * 4);
    this.splits = Math.max(1, Math.ceil(MOST_SPLITS / numKvHeads));
    const tiles = numKvHeads * Math.max(this.chunkTiles, this.splits * MOST_SEQUENCES);
    // With sparse prefill an item is a page of one query head; recall asks for each twice.
    const mostItems = Math.max(tiles, 2 * config.numHeads * this.chunkPages);
    this.itemSpace = heap.allocate(itemBytes(mostItems));
    const rowBytes = Math.max(
      partialBytes(this.shapes[0], SPLIT_TOKENS),
      MOST_SEQUENCES * partialBytes(this.shapes[0], 1),
    );
    this.partials = heap.allocate(numKvHeads * this.splits * rowBytes);
    this.staging = this.allocateStaging();
    const numProfiles = new Set(config.layers.map(({ rope, window }) => JSON.stringify([rope, window > 0]))).size;
    const tables = (count: number) => Array.from({ length: count }, () => heap.allocate(maxTokens * rotary * 4));
    this.tables = Array.from({ length: numProfiles }, () => ({
      keys: tables(MOST_STORES),
      queries: tables(MOST_ZONES),
    }));
  }

  get zones(): ZoneSpace {
    const { heap, maxTokens } = this;
    const { numHeads, numKvHeads, headDim } = this.config;
    const floats = (heads: number) => heap.allocate(maxTokens * heads * headDim * 4);
    this.zoneSpace ??= {
      queries: Array.from({ length: MOST_ZONES - 1 }, () => floats(numHeads)),
      keys: floats(numKvHeads),
      staging: this.allocateStaging(),
    };
    return this.zoneSpace;
  }

  /** Pages that a chunk may touch. */
  private get chunkPages(): number {
    return Math.ceil(this.maxTokens / PAGE_SLOTS) + 1;
  }

  /** Most items of a KV head that a chunk makes. */
  private get chunkTiles(): number {
    return Math.ceil(this.maxTokens / STEP) + 1;
  }

  private allocateStaging(): Staging {
    const { heap, chunkPages } = this;
    const { numKvHeads, headDim } = this.config;
    return {
      pages: Array.from({ length: numKvHeads }, () =>
        Uint32Array.from({ length: chunkPages }, () => heap.allocate(floatPageBytes(headDim))),
      ),
      runTable: heap.allocate(numKvHeads * chunkPages * 4),
      pairTable: heap.allocate(numKvHeads * chunkPages * 8),
    };
  }
}
