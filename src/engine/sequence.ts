/**
 * One sequence inside the controller: its keys and values, and the LayerContext that the decoder calls for a chunk of its tokens.
 */
import type { Plan } from "../context/plan.ts";
import { createRotation, type Rotation } from "../context/position/rotation.ts";
import { fillRopeTable } from "../context/position/table.ts";
import { asIs, type Zones } from "../context/position/zones.ts";
import type { ModelConfig } from "../model/config.ts";
import type { Decoder, LayerContext } from "../model/decoder.ts";
import { type AttentionItem, type AttentionZone, attention, mergePartials, partialBytes } from "../ops/attention.ts";
import { rope } from "../ops/rows.ts";
import type { SharedHeap } from "../runtime/memory.ts";
import type { Team } from "../runtime/team.ts";
import { KeyStores } from "./key-stores.ts";
import type { LayerShape } from "./layer-shapes.ts";
import type { PagePool } from "./page-pool.ts";
import { type SequenceSpace, SPLIT_TOKENS } from "./sequence-space.ts";

/** Sealed pages below which a split is not worth its merge. */
const MIN_SPLIT_PAGES = 4;

export class Sequence implements LayerContext {
  readonly stores: KeyStores;
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
    const { contextLength: capacity, zones } = this.rotation;
    this.stores = new KeyStores({ team, heap, pool, space, format: plan.cache.format, capacity, zones });
  }

  get length(): number {
    return this.stores.length;
  }

  /** Computes one chunk; afterwards decoder.logits(row, …) gives what its tokens predict. */
  run(decoder: Decoder, tokenIds: Int32Array): void {
    const { heap, space, stores } = this;
    this.tokens = tokenIds.length;
    stores.reserve(this.tokens);
    const positions = heap.ints(space.positions, this.tokens);
    for (let t = 0; t < this.tokens; t++) positions[t] = stores.length + t;
    this.fillTables(positions);
    decoder.forward(tokenIds, this);
    stores.grow(this.tokens);
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
