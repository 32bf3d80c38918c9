/**
 * What one run through the decoder computes: a chunk of one sequence's tokens, or one token of each of several sequences. Rows of
 * several sequences go through the weights together, so that these are read once, and each attends to its own pages. What a
 * sequence gets does not depend on what else is in the chunk.
 */
import type { Rotation } from "../context/position/rotation.ts";
import { fillRopeTable } from "../context/position/table.ts";
import { asIs, type Zones } from "../context/position/zones.ts";
import type { ModelConfig } from "../model/config.ts";
import type { LayerContext } from "../model/decoder.ts";
import { type AttentionItem, type AttentionZone, attention, mergePartials, partialBytes } from "../ops/attention.ts";
import { rope } from "../ops/rows.ts";
import type { SharedHeap } from "../runtime/memory.ts";
import type { Team } from "../runtime/team.ts";
import type { AttentionTrace, Tracing } from "./attention-trace.ts";
import type { KeyStores } from "./key-stores.ts";
import type { LayerShape } from "./layer-shapes.ts";
import type { Observations } from "./observations.ts";
import type { PagePool } from "./page-pool.ts";
import { type Watch, watchLayer } from "./second-reading.ts";
import { type SequenceSpace, SPLIT_TOKENS } from "./sequence-space.ts";
import type { SparseDecode } from "./sparse-decode.ts";
import { headsApart, type SparsePrefill } from "./sparse-prefill.ts";

/** Sealed pages below which a split is not worth its merge. */
const MIN_SPLIT_PAGES = 4;

export interface ChunkParts {
  readonly team: Team;
  readonly heap: SharedHeap;
  readonly pool: PagePool;
  readonly config: ModelConfig;
  readonly space: SequenceSpace;
}

/** What a chunk needs of a sequence. */
export interface ChunkSequence {
  readonly stores: KeyStores;
  readonly rotation: Rotation;
  readonly sparsePrefill?: SparsePrefill;
  readonly sparseDecode?: SparseDecode;
  readonly observations?: Observations;
  readonly trace?: AttentionTrace;
  readonly watch?: Watch;
  /** Tokens of the text that no layer holds and RoPE does not count: those behind them have closed up. */
  readonly leftOut?: number;
}

/** Of a chunk's tokens: where they stand in the text, and the positions that RoPE turns them to. */
export interface Places {
  readonly positions: Int32Array;
  readonly turns: Int32Array;
}

export interface ChunkRun {
  readonly sequence: ChunkSequence;
  readonly tokens: number;
  /** Tokens of what is being written: they are computed, and see the past, as one after the other would. */
  readonly isWritten?: boolean;
  /** Of a prompt, those that come after this chunk. Default: 0. */
  readonly tokensAfter?: number;
  /** How the trace takes the last of the tokens, if it does. */
  readonly tracing?: Tracing;
  /** Default: behind what is held. */
  readonly places?: Places;
}

interface Placed extends ChunkRun {
  /** Row of its first token. */
  readonly row: number;
}

interface Seen {
  readonly seen: readonly (readonly AttentionItem[])[];
  /** Items are of query heads, not of KV heads. */
  readonly areHeadsApart?: boolean;
}

export class Chunk implements LayerContext {
  private readonly parts: ChunkParts;
  private readonly runs: readonly Placed[];
  private readonly tokens: number;

  /** Throws CapacityError, before anything has changed, if there is no room for the pages. */
  constructor(parts: ChunkParts, runs: readonly ChunkRun[]) {
    this.parts = parts;
    let row = 0;
    this.runs = runs.map((run) => {
      const placed = { ...run, row };
      row += run.tokens;
      return placed;
    });
    this.tokens = row;
    const isAlone = runs.length === 1;
    if (!isAlone && runs.some(({ sequence, tokens }) => tokens > 1 || sequence.rotation.zones))
      throw new Error("chunk: several sequences give one token each, with positions that are not re-indexed");
    for (const { sequence, tokens } of runs) sequence.stores.reserve(tokens, runs.length);
    for (const run of this.runs) this.fillTables(run);
  }

  /** All layers have run: sequences have grown by their tokens. */
  end(): void {
    for (const { sequence, tokens } of this.runs) sequence.stores.grow(tokens);
  }

  private fillTables({ sequence, tokens, row, places }: Placed): void {
    const { heap, space, config } = this.parts;
    const { rotation } = sequence;
    const { positions, turns } = places ?? placesBehind(sequence, tokens);
    heap.ints(space.positions + row * 4, tokens).set(positions);
    const floats = (table: number) => heap.floats(table + row * config.rotary * 4, tokens * config.rotary);
    rotation.profiles.forEach((profile, i) => {
      const { keys, queries } = space.tables[i];
      const { temperature, isLocal } = profile;
      const scaleOf = temperature && ((t: number) => temperature(turns[t]));
      const { stores, zones } = isLocal || !rotation.zones ? plain : rotation.zones;
      stores.forEach(({ turn }, s) => {
        fillRopeTable(floats(keys[s]), Array.from(turns, turn), profile);
      });
      zones.forEach(({ turn }, z) => {
        fillRopeTable(floats(queries[z]), Array.from(turns, turn), profile, scaleOf);
      });
    });
  }

  rotate(layer: number, q: number, k: number): void {
    const { space, config } = this.parts;
    const { numHeads, numKvHeads } = config;
    for (const { sequence, tokens, row } of this.runs) {
      const { observations, stores } = sequence;
      observations?.beforeRotation(layer, this.queriesAt(q, row), this.keysAt(k, row), stores.length, tokens);
    }
    const [{ sequence }] = this.runs;
    const { keys, queries } = space.tables[sequence.rotation.profileOf[layer]];
    const zones = this.zonesOf(sequence, layer);
    zones?.zones.slice(1).forEach((_, i) => {
      this.turnCopy(q, space.zones.queries[i], numHeads, queries[i + 1]);
    });
    if (zones?.stores[1]) this.turnCopy(k, space.zones.keys, numKvHeads, keys[1]);
    this.turn(q, numHeads, queries[0]);
    this.turn(k, numKvHeads, keys[0]);
  }

  private turnCopy(from: number, to: number, heads: number, table: number): void {
    const { heap, config } = this.parts;
    const floats = this.tokens * heads * config.headDim;
    heap.floats(to, floats).set(heap.floats(from, floats));
    this.turn(to, heads, table);
  }

  private turn(x: number, heads: number, table: number): void {
    const { headDim, rotary, ropeInterleaved: interleaved } = this.parts.config;
    rope(this.parts.team, { heads, headDim, rotary, interleaved }, table, x, this.tokens);
  }

  append(layer: number, k: number, v: number): void {
    const { space } = this.parts;
    for (const { sequence, tokens, row } of this.runs) {
      const { caches } = sequence.stores;
      const chunk = { tokens, positions: space.positions + row * 4, v: this.keysAt(v, row) };
      caches[0].append(layer, { ...chunk, k: this.keysAt(k, row) });
      if (this.zonesOf(sequence, layer)?.stores[1]) caches[1].append(layer, { ...chunk, k: space.zones.keys });
    }
  }

  attend(layer: number, out: number, q: number): void {
    const { team, heap, pool, space } = this.parts;
    const { itemSpace, positions } = space;
    const shape = space.shapes[layer];
    const zones = this.zonesOf(this.runs[0].sequence, layer);
    const attentionZones = zones && this.attentionZones(zones, q);
    const runs = this.runs.map((run) => {
      const { stores } = run.sequence;
      const items = zones ? stores.zonedItems(layer, run.tokens, zones) : stores.caches[0].items(layer, run.tokens);
      return { run, items, ...this.seen(layer, run, items, q) };
    });
    const finished: AttentionItem[] = [];
    const merges: Parameters<typeof mergePartials>[2][] = [];
    let partials = space.partials;
    for (const { run, seen } of runs)
      for (const items of seen) {
        const splits = this.numSplits(items, run, shape);
        const placed = items.map((item) => ({ ...item, firstToken: item.firstToken + run.row }));
        if (splits === 1) {
          finished.push(...placed);
          continue;
        }
        const [{ firstToken, numTokens: tokens }] = placed;
        const stride = partialBytes(shape, tokens);
        for (const item of placed)
          finished.push(...splitItem(item, splits, partials + item.kvHead * splits * stride, stride));
        merges.push({ partials, splits, stride, out: this.queriesAt(out, firstToken), tokens });
        partials += shape.numKvHeads * splits * stride;
      }
    // Several runs are of written tokens, and all alike in this.
    const [{ areHeadsApart }] = runs;
    attention(team, heap, areHeadsApart ? headsApart(shape) : shape, finished, {
      itemSpace,
      q,
      positions,
      out,
      zones: attentionZones,
    });
    for (const merge of merges) mergePartials(team, shape, merge);
    for (const { run, items } of runs) {
      const { sequence, tokens, tracing, row } = run;
      const { stores, observations, trace, watch } = sequence;
      if (shape.window === 0) {
        const rows = { q: this.queriesAt(q, row), positions: positions + row * 4, items, itemSpace };
        observations?.afterRotation(layer, { ...rows, tokens });
        if (tracing) trace?.add(layer, tracing, { ...rows, tokens, zones: attentionZones });
        if (watch) watchLayer({ heap, pool }, watch, layer, rows);
      }
      stores.advanceLayer(layer, tokens);
    }
  }

  /** What a run sees of its items, in lists that are split over threads each for itself. What is observed of attention is observed of all. */
  private seen(layer: number, run: Placed, items: readonly AttentionItem[], q: number): Seen {
    const { sequence, tokens, row, tokensAfter = 0 } = run;
    const { sparseDecode, sparsePrefill, stores } = sequence;
    const everything = { seen: [items] };
    if (this.parts.space.shapes[layer].window > 0) return everything;
    const queries = this.queriesAt(q, row);
    if (run.isWritten)
      return sparseDecode
        ? { seen: sparseDecode.items(layer, items, { q: queries, position: stores.length }) }
        : everything;
    const positions = this.parts.space.positions + row * 4;
    const apart = sparsePrefill?.items(layer, items, { q: queries, positions, tokens, tokensAfter });
    return apart ? { seen: [apart], areHeadsApart: true } : everything;
  }

  /** The zones that a layer sees the past in, if not all of it as it stands. */
  private zonesOf({ rotation }: ChunkSequence, layer: number): Zones | undefined {
    return this.parts.space.shapes[layer].window > 0 ? undefined : rotation.zones;
  }

  private attentionZones({ zones }: Zones, q: number): AttentionZone[] {
    return zones.map(({ nearest, farthest, keyEnd }, z) => {
      return { q: z === 0 ? q : this.parts.space.zones.queries[z - 1], nearest, farthest, keyEnd };
    });
  }

  /** As many as the sequence alone would have, so that sums are the same. */
  private numSplits(items: readonly AttentionItem[], { tokens, isWritten }: ChunkRun, shape: LayerShape): number {
    if ((tokens > SPLIT_TOKENS && !isWritten) || items.length > shape.numKvHeads) return 1;
    return Math.max(1, Math.min(this.parts.space.splits, Math.floor(items[0].numEntries / MIN_SPLIT_PAGES)));
  }

  private queriesAt(q: number, row: number): number {
    const { numHeads, headDim } = this.parts.config;
    return q + row * numHeads * headDim * 4;
  }

  private keysAt(k: number, row: number): number {
    const { numKvHeads, headDim } = this.parts.config;
    return k + row * numKvHeads * headDim * 4;
  }
}

function placesBehind({ stores, leftOut = 0 }: ChunkSequence, tokens: number): Places {
  const positions = Int32Array.from({ length: tokens }, (_, t) => stores.length + t);
  return { positions, turns: positions.map((position) => position - leftOut) };
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
