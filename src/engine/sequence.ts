/**
 * One sequence inside the controller: its cache, and the LayerContext that the decoder calls for a chunk of its tokens.
 */

import type { Plan } from "../context/plan.ts";
import { createRotation, type Rotation } from "../context/position/rotation.ts";
import { fillRopeTable } from "../context/position/table.ts";
import type { ModelConfig } from "../model/config.ts";
import type { Decoder, LayerContext } from "../model/decoder.ts";
import {
  type AttentionItem,
  attention,
  floatPageBytes,
  mergePartials,
  PAGE_SLOTS,
  partialBytes,
} from "../ops/attention.ts";
import { rope } from "../ops/rows.ts";
import type { SharedHeap } from "../runtime/memory.ts";
import type { Team } from "../runtime/team.ts";
import { KvCache, type Staging } from "./kv-cache.ts";
import { type LayerShape, layerShapes } from "./layer-shapes.ts";
import type { PagePool } from "./page-pool.ts";

/** A chunk of at most this many tokens splits its keys over threads; longer ones have enough query tiles. */
const SPLIT_TOKENS = 8;
/** Sealed pages below which a split is not worth its merge. */
const MIN_SPLIT_PAGES = 4;

interface RotaryTable {
  readonly keys: number;
  readonly queries: number;
}

/** Work space that all sequences of an engine share: one chunk is computed at a time. */
export class SequenceSpace {
  readonly positions: number;
  readonly staging: Staging;
  readonly itemSpace: number;
  readonly partials: number;
  readonly shapes: LayerShape[];
  readonly splits: number;
  /** Rotary tables for keys and queries of the plan's profiles: at most one for layers with a window and one for those without. */
  readonly tables: readonly RotaryTable[];

  constructor(team: Team, heap: SharedHeap, config: ModelConfig, maxTokens: number) {
    this.shapes = layerShapes(config);
    const { numKvHeads, headDim, rotary } = config;
    const pages = Math.ceil(maxTokens / PAGE_SLOTS) + 1;
    this.positions = heap.allocate(maxTokens * 4);
    this.splits = Math.max(1, Math.ceil((4 * team.threads) / numKvHeads));
    this.itemSpace = heap.allocate(numKvHeads * Math.max(pages, this.splits) * 32);
    this.partials = heap.allocate(numKvHeads * this.splits * partialBytes(this.shapes[0], SPLIT_TOKENS));
    this.staging = {
      pages: Array.from({ length: numKvHeads }, () =>
        Uint32Array.from({ length: pages }, () => heap.allocate(floatPageBytes(headDim))),
      ),
      runTable: heap.allocate(numKvHeads * pages * 4),
      pairTable: heap.allocate(numKvHeads * pages * 8),
    };
    const numProfiles = new Set(config.layers.map(({ rope, window }) => JSON.stringify([rope, window > 0]))).size;
    const table = () => heap.allocate(maxTokens * rotary * 4);
    this.tables = Array.from({ length: numProfiles }, () => ({ keys: table(), queries: table() }));
  }
}

export class Sequence implements LayerContext {
  readonly cache: KvCache;
  /** Logits after the last token, kept because sequences share the decoder's buffer. */
  logits?: Float32Array;
  private tokens = 0;
  private readonly team: Team;
  private readonly heap: SharedHeap;
  private readonly config: ModelConfig;
  private readonly space: SequenceSpace;
  private readonly rotation: Rotation;

  constructor(args: {
    team: Team;
    heap: SharedHeap;
    pool: PagePool;
    config: ModelConfig;
    space: SequenceSpace;
    plan: Plan;
  }) {
    const { team, heap, pool, config, space, plan } = args;
    this.team = team;
    this.heap = heap;
    this.config = config;
    this.space = space;
    this.rotation = createRotation(plan.position, config);
    const { shapes, staging } = space;
    this.cache = new KvCache({
      team,
      heap,
      pool,
      shapes,
      staging,
      format: plan.cache.format,
      capacity: this.rotation.contextLength,
    });
  }

  get length(): number {
    return this.cache.length;
  }

  /** Computes one chunk; afterwards decoder.logits(row, …) gives what its tokens predict. */
  run(decoder: Decoder, tokenIds: Int32Array): void {
    const { heap, space, cache } = this;
    this.tokens = tokenIds.length;
    cache.reserve(this.tokens);
    const positions = heap.ints(space.positions, this.tokens);
    for (let t = 0; t < this.tokens; t++) positions[t] = cache.length + t;
    this.fillTables(positions);
    decoder.forward(tokenIds, this);
    cache.length += this.tokens;
  }

  private fillTables(positions: ArrayLike<number>): void {
    const { heap, space, rotation } = this;
    const floats = (address: number) => heap.floats(address, this.tokens * this.config.rotary);
    rotation.profiles.forEach((profile, i) => {
      const { keys, queries } = space.tables[i];
      fillRopeTable(floats(keys), positions, profile);
      if (profile.temperature) fillRopeTable(floats(queries), positions, profile, profile.temperature);
    });
  }

  rotate(layer: number, q: number, k: number): void {
    const { numHeads, numKvHeads, headDim, rotary, ropeInterleaved: interleaved } = this.config;
    const { profiles, profileOf } = this.rotation;
    const { keys, queries } = this.space.tables[profileOf[layer]];
    const { temperature } = profiles[profileOf[layer]];
    rope(this.team, { heads: numHeads, headDim, rotary, interleaved }, temperature ? queries : keys, q, this.tokens);
    rope(this.team, { heads: numKvHeads, headDim, rotary, interleaved }, keys, k, this.tokens);
  }

  append(layer: number, k: number, v: number): void {
    this.cache.append(layer, { tokens: this.tokens, positions: this.space.positions, k, v });
  }

  attend(layer: number, out: number, q: number): void {
    const { team, heap, cache, space, tokens } = this;
    const shape = space.shapes[layer];
    const items = cache.items(layer, tokens);
    const { itemSpace, positions, partials } = space;
    const splits = this.numSplits(items, shape);
    if (splits > 1) {
      const stride = partialBytes(shape, tokens);
      const parts = items.flatMap((item) => splitItem(item, splits, partials + item.kvHead * splits * stride, stride));
      attention(team, heap, shape, parts, { itemSpace, q, positions, out });
      mergePartials(team, shape, { partials, splits, stride, out, tokens });
    } else attention(team, heap, shape, items, { itemSpace, q, positions, out });
    cache.advanceLayer(layer, tokens);
  }

  private numSplits(items: readonly AttentionItem[], shape: LayerShape): number {
    if (this.tokens > SPLIT_TOKENS || items.length > shape.numKvHeads) return 1;
    return Math.min(this.space.splits, Math.floor(items[0].numEntries / MIN_SPLIT_PAGES));
  }

  dispose(): void {
    this.cache.dispose();
    this.logits = undefined;
  }
}

/** Cuts an item's pages into `splits` runs; the page that the tokens sit in goes with the last. */
function splitItem(item: AttentionItem, splits: number, partial: number, stride: number): AttentionItem[] {
  return Array.from({ length: splits }, (_, s) => {
    const begin = Math.floor((item.numEntries * s) / splits);
    const end = Math.floor((item.numEntries * (s + 1)) / splits);
    const own = s === splits - 1 ? item.own : 0;
    return { ...item, entries: item.entries + begin * 4, numEntries: end - begin, own, partial: partial + s * stride };
  });
}
