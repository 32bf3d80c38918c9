/**
 * One sequence inside the controller: its keys and values, and the LayerContext that the decoder calls for a chunk of its tokens.
 */
import type { CachePlan, Dropping } from "../context/cache/plan.ts";
import type { RotaryView } from "../context/cache/score/score.ts";
import type { Plan } from "../context/plan.ts";
import { createRotation, type Rotation } from "../context/position/rotation.ts";
import { fillRopeTable } from "../context/position/table.ts";
import { asIs, type Zones } from "../context/position/zones.ts";
import type { ModelConfig } from "../model/config.ts";
import type { Decoder, LayerContext } from "../model/decoder.ts";
import {
  type AttentionItem,
  type AttentionZone,
  attention,
  mergePartials,
  PAGE_SLOTS,
  partialBytes,
} from "../ops/attention.ts";
import { rope } from "../ops/rows.ts";
import { InputError } from "../runtime/errors.ts";
import type { SharedHeap } from "../runtime/memory.ts";
import type { Team } from "../runtime/team.ts";
import { AttentionTrace, type Tracing } from "./attention-trace.ts";
import { liveSlots } from "./compaction.ts";
import { type DroppingParts, dropSlots } from "./dropping.ts";
import { KeyStores } from "./key-stores.ts";
import type { LayerShape } from "./layer-shapes.ts";
import { needsOf } from "./needs.ts";
import { Observations } from "./observations.ts";
import type { PagePool } from "./page-pool.ts";
import { type Watch, watchLayer } from "./second-reading.ts";
import { type SequenceSpace, SPLIT_TOKENS } from "./sequence-space.ts";
import { exportBlock, importBlock } from "./stored-blocks.ts";
import type { KeptSlots, LayerStatistics } from "./types.ts";

/** Sealed pages below which a split is not worth its merge. */
const MIN_SPLIT_PAGES = 4;

export interface SequenceParts {
  readonly team: Team;
  readonly heap: SharedHeap;
  readonly pool: PagePool;
  readonly config: ModelConfig;
  readonly space: SequenceSpace;
  readonly plan: Plan;
  /** Cache plans that forks may be compressed by: what their scores need is gathered too. */
  readonly collect?: readonly CachePlan[];
  /** Gathers what statistics() gives. */
  readonly statistics?: boolean;
  /** Sums up what trace.heads() gives. */
  readonly trace?: boolean;
  readonly stored?: DroppingParts["stored"];
}

export class Sequence implements LayerContext {
  readonly stores: KeyStores;
  /** Logits after the last token, kept because sequences share the decoder's buffer. */
  logits?: Float32Array;
  readonly trace?: AttentionTrace;
  private tokens = 0;
  /** How the trace takes the last of the chunk's tokens, if it does. */
  private tracing?: Tracing;
  private readonly parts: SequenceParts;
  private readonly team: Team;
  private readonly heap: SharedHeap;
  private readonly config: ModelConfig;
  private readonly space: SequenceSpace;
  private readonly rotation: Rotation;
  private readonly observations?: Observations;
  /** Scores of the cache as it stands, for those that ask again. */
  private scores: DroppingParts["scores"] = new Map();
  private readonly watch?: Watch;

  constructor(parts: SequenceParts, from?: Sequence, watch?: Watch) {
    const { team, heap, pool, config, space, plan } = parts;
    this.parts = parts;
    this.team = team;
    this.heap = heap;
    this.config = config;
    this.space = space;
    this.rotation = from?.rotation ?? createRotation(plan.position, config);
    const { contextLength: capacity, zones } = this.rotation;
    this.stores =
      from?.stores.fork() ?? new KeyStores({ team, heap, pool, space, format: plan.cache, capacity, zones });
    const wanted = needsOf([plan.cache, ...(parts.collect ?? [])]);
    const needs = { ...wanted, statistics: wanted.statistics || parts.statistics === true };
    const gathers = needs.queries > 0 || needs.statistics || needs.attentionSums || needs.secondReading;
    const { shapes } = space;
    this.watch = watch;
    if (from) this.observations = watch ? undefined : from.observations?.fork();
    else if (gathers) this.observations = new Observations({ team, heap, pool, shapes, needs });
    if (from) this.trace = watch ? undefined : from.trace?.fork();
    else if (parts.trace) this.trace = new AttentionTrace({ team, heap, pool, shapes });
    if (from) this.scores = from.scores;
    if (from?.logits) this.logits = from.logits.slice();
  }

  /** An independent copy of all that was read. */
  fork(): Sequence {
    return new Sequence(this.parts, this);
  }

  /** A copy that reads parts of the text again, for what the scores of this one need. */
  readingAgain(start: number, end: number): Sequence {
    const { observations, length } = this;
    if (!observations) throw new Error("sequence: nothing is gathered that a second reading would add to");
    return new Sequence(this.parts, this, { into: observations, start, end, length });
  }

  get length(): number {
    return this.stores.length;
  }

  /** Forgets all but the first tokens; gives how many are left, fewer where more has to be read again. */
  truncate(length: number): number {
    this.logits = undefined;
    this.scores = new Map();
    const left = length < this.length ? (this.observations?.truncate(length) ?? length) : length;
    return this.stores.truncate(left);
  }

  /** Computes one chunk; afterwards decoder.logits(row, …) gives what its tokens predict. */
  run(decoder: Decoder, tokenIds: Int32Array, tracing?: Tracing): void {
    this.begin(tokenIds.length, tracing);
    decoder.forward(tokenIds, this);
    this.stores.grow(this.tokens);
  }

  /** Computes one layer for a chunk whose residual stream the decoder holds. */
  runLayer(decoder: Decoder, layer: number, tokens: number, tracing?: Tracing): void {
    this.begin(tokens, tracing);
    decoder.layer(layer, tokens, this);
    this.stores.grow(tokens);
  }

  private begin(tokens: number, tracing?: Tracing): void {
    const { heap, space, stores } = this;
    this.tokens = tokens;
    this.tracing = tracing;
    this.scores = new Map();
    stores.reserve(tokens);
    const positions = heap.ints(space.positions, tokens);
    for (let t = 0; t < tokens; t++) positions[t] = stores.length + t;
    this.fillTables(positions);
  }

  /** Whether its pages are those of the text alone: keys turned one way, nothing chosen by. */
  get isPlain(): boolean {
    return this.rotation.zones === undefined;
  }

  exportBlocks(first: number, count: number): (Uint8Array | undefined)[] {
    const [cache] = this.stores.caches;
    return Array.from({ length: count }, (_, i) => exportBlock(this.heap, cache, first + i));
  }

  /** Goes on with blocks that another sequence gave, as if their text had been read. Nothing is gathered of it. */
  importBlocks(blocks: readonly Uint8Array[]): void {
    const [cache] = this.stores.caches;
    for (const block of blocks) importBlock(this.heap, cache, block);
    this.logits = undefined;
  }

  /** Drops slots by a cache plan; `once` if it will not be done again and again. */
  drop(decoder: Decoder, dropping: Dropping, options: { once: boolean; only?: number }): void {
    const { team, heap, stores, space, observations, parts, scores } = this;
    const { pool, stored } = parts;
    const [cache] = stores.caches;
    dropSlots(
      {
        ...{ team, heap, pool, cache, scores },
        ...(observations && { observations }),
        ...(stored && { stored }),
        shapes: space.shapes,
        itemSpace: space.itemSpace,
        rotary: (layer) => this.rotaryView(layer),
        outputColumns: (layer) => decoder.outputColumns(layer),
      },
      dropping,
      options,
    );
    this.scores = new Map();
  }

  /** What every head of every layer holds. */
  kept(): KeptSlots[] {
    const { heap, stores, space } = this;
    const [cache] = stores.caches;
    return space.shapes.flatMap(({ numKvHeads, window }, layer) =>
      Array.from({ length: numKvHeads }, (_, kvHead) => {
        const { positions } = liveSlots(heap, cache.pagesOf(layer, kvHead), cache.length % PAGE_SLOTS);
        return { layer, kvHead, drops: window === 0, positions };
      }),
    );
  }

  /** What was summed of a layer, copied; none of a layer with a sliding window. */
  statistics(layer: number): LayerStatistics | undefined {
    const { observations, space, config } = this;
    if (!observations?.needs.statistics)
      throw new InputError(
        "statistics: expected a session that gathers them, got one that does not. Open it with { statistics: true }.",
      );
    if (space.shapes[layer].window > 0) return undefined;
    const { count, queries, keys, products } = observations.moments(layer);
    const sums = { queries: queries.slice(), keys: keys.slice(), products: products.slice() };
    return { count, ...sums, headDim: config.headDim, rotary: this.rotaryView(layer) };
  }

  private rotaryView(layer: number): RotaryView {
    const { inverse, attentionFactor } = this.rotation.profiles[this.rotation.profileOf[layer]];
    const { rotary: dimensions, ropeInterleaved: interleaved } = this.config;
    return { inverse, attentionFactor, dimensions, interleaved };
  }

  private fillTables(positions: Int32Array): void {
    const { heap, space, rotation, config, tokens } = this;
    const floats = (address: number) => heap.floats(address, tokens * config.rotary);
    rotation.profiles.forEach((profile, i) => {
      const { keys, queries } = space.tables[i];
      const { temperature, isLocal } = profile;
      const scaleOf = temperature && ((row: number) => temperature(positions[row]));
      const { stores, zones } = isLocal || !rotation.zones ? plain : rotation.zones;
      stores.forEach(({ turn }, s) => {
        fillRopeTable(floats(keys[s]), Array.from(positions, turn), profile);
      });
      zones.forEach(({ turn }, z) => {
        fillRopeTable(floats(queries[z]), Array.from(positions, turn), profile, scaleOf);
      });
    });
  }

  /** The zones that a layer sees the past in, if not all of it as it stands. */
  private zonesOf(layer: number): Zones | undefined {
    return this.space.shapes[layer].window > 0 ? undefined : this.rotation.zones;
  }

  rotate(layer: number, q: number, k: number): void {
    const { space, rotation } = this;
    const { numHeads, numKvHeads } = this.config;
    const { keys, queries } = space.tables[rotation.profileOf[layer]];
    this.observations?.beforeRotation(layer, q, k, this.stores.length, this.tokens);
    const zones = this.zonesOf(layer);
    zones?.zones.slice(1).forEach((_, i) => {
      this.turnCopy(q, space.zones.queries[i], numHeads, queries[i + 1]);
    });
    if (zones?.stores[1]) this.turnCopy(k, space.zones.keys, numKvHeads, keys[1]);
    this.turn(q, numHeads, queries[0]);
    this.turn(k, numKvHeads, keys[0]);
  }

  private turnCopy(from: number, to: number, heads: number, table: number): void {
    const floats = this.tokens * heads * this.config.headDim;
    this.heap.floats(to, floats).set(this.heap.floats(from, floats));
    this.turn(to, heads, table);
  }

  private turn(x: number, heads: number, table: number): void {
    const { headDim, rotary, ropeInterleaved: interleaved } = this.config;
    rope(this.team, { heads, headDim, rotary, interleaved }, table, x, this.tokens);
  }

  append(layer: number, k: number, v: number): void {
    const { space, stores, tokens } = this;
    const { positions } = space;
    stores.caches[0].append(layer, { tokens, positions, k, v });
    if (this.zonesOf(layer)?.stores[1]) stores.caches[1].append(layer, { tokens, positions, k: space.zones.keys, v });
  }

  attend(layer: number, out: number, q: number): void {
    const { team, heap, stores, space, tokens } = this;
    const shape = space.shapes[layer];
    const zones = this.zonesOf(layer);
    const items = zones ? stores.zonedItems(layer, tokens, zones) : stores.caches[0].items(layer, tokens);
    const { itemSpace, positions, partials } = space;
    const args = { itemSpace, q, positions, out, ...(zones && { zones: this.attentionZones(zones, q) }) };
    const splits = this.numSplits(items, shape);
    if (splits > 1) {
      const stride = partialBytes(shape, tokens);
      const parts = items.flatMap((item) => splitItem(item, splits, partials + item.kvHead * splits * stride, stride));
      attention(team, heap, shape, parts, args);
      mergePartials(team, shape, { partials, splits, stride, out, tokens });
    } else attention(team, heap, shape, items, args);
    const { length: begin } = stores;
    if (shape.window === 0) {
      const seen = { q, positions, items, itemSpace };
      this.observations?.afterRotation(layer, { ...seen, begin, tokens });
      if (this.tracing) this.trace?.add(layer, this.tracing, { ...seen, tokens, zones: args.zones });
      if (this.watch) watchLayer({ heap, pool: this.parts.pool }, this.watch, layer, seen);
    }
    stores.advanceLayer(layer, tokens);
  }

  private attentionZones({ zones }: Zones, q: number): AttentionZone[] {
    return zones.map(({ nearest, farthest, keyEnd }, z) => {
      return { q: z === 0 ? q : this.space.zones.queries[z - 1], nearest, farthest, keyEnd };
    });
  }

  private numSplits(items: readonly AttentionItem[], shape: LayerShape): number {
    if (this.tokens > SPLIT_TOKENS || items.length > shape.numKvHeads) return 1;
    return Math.max(1, Math.min(this.space.splits, Math.floor(items[0].numEntries / MIN_SPLIT_PAGES)));
  }

  dispose(): void {
    this.stores.dispose();
    this.observations?.dispose();
    this.logits = undefined;
  }
}

/** One store, one zone, all as it stands. */
const plain: Pick<Zones, "stores" | "zones"> = {
  stores: [{ turn: asIs, window: 0, sinks: 0 }],
  zones: [{ turn: asIs, store: 0, nearest: 0, farthest: 0, keyEnd: 0 }],
};

/** Cuts an item's pages into `splits` runs; the page that the tokens sit in goes with the last. */
function splitItem(item: AttentionItem, splits: number, partial: number, stride: number): AttentionItem[] {
  return Array.from({ length: splits }, (_, s) => {
    const begin = Math.floor((item.numEntries * s) / splits);
    const end = Math.floor((item.numEntries * (s + 1)) / splits);
    const own = s === splits - 1 ? item.own : 0;
    return { ...item, entries: item.entries + begin * 4, numEntries: end - begin, own, partial: partial + s * stride };
  });
}
