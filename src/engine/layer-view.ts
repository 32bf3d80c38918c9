/** One layer of a sequence's cache as scores see it (context/cache/score/score.ts), computed by kernels when asked for. */
import type { StoredStatistics } from "../context/cache/calibration.ts";
import type { LayerView, QueryStatistics, RotaryView } from "../context/cache/score/score.ts";
import { FLOAT_PAGE, PAGE_SLOTS } from "../ops/attention.ts";
import { attentionColumns, columnBytes } from "../ops/attention-columns.ts";
import { projectedNorms } from "../ops/projection.ts";
import type { SharedHeap } from "../runtime/memory.ts";
import type { Team } from "../runtime/team.ts";
import { type HeadSlots, liveSlots, readRows } from "./compaction.ts";
import type { KvCache } from "./kv-cache.ts";
import type { LayerShape } from "./layer-shapes.ts";
import type { Observations } from "./observations.ts";
import type { PagePool } from "./page-pool.ts";

export interface LayerViewParts {
  readonly team: Team;
  readonly heap: SharedHeap;
  readonly pool: PagePool;
  readonly cache: KvCache;
  readonly shape: LayerShape;
  readonly layer: number;
  readonly numLayers: number;
  readonly sinks: number;
  readonly budget: number;
  readonly rotary: RotaryView;
  readonly observations?: Observations;
  /** Where the score wants these rather than what was observed. */
  readonly stored?: Pick<StoredStatistics, "queryStatistics">;
  /** f32 [hiddenSize][numHeads · headDim] of the layer, transposed: [numHeads · headDim][hiddenSize]. */
  outputColumns(layer: number): Float32Array;
  readonly itemSpace: number;
}

interface Rows {
  readonly keys: number;
  readonly values: number;
  readonly bytes: number;
}

export class EngineLayerView implements LayerView {
  readonly layer: number;
  readonly numLayers: number;
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly headDim: number;
  readonly length: number;
  readonly sinks: number;
  readonly rotary: RotaryView;
  readonly slots: readonly HeadSlots[];
  /** Whether a score has looked at the budget, so that its numbers hold for no other. */
  usedBudget = false;
  private readonly parts: LayerViewParts;
  private readonly rows: (Rows | undefined)[] = [];
  private output?: Float32Array;

  constructor(parts: LayerViewParts) {
    const { heap, cache, shape, layer, numLayers, sinks, rotary } = parts;
    this.parts = parts;
    this.layer = layer;
    this.numLayers = numLayers;
    this.numHeads = shape.numHeads;
    this.numKvHeads = shape.numKvHeads;
    this.headDim = shape.headDim;
    this.length = cache.length;
    this.sinks = sinks;
    this.rotary = rotary;
    this.slots = Array.from({ length: shape.numKvHeads }, (_, kvHead) =>
      liveSlots(heap, cache.pagesOf(layer, kvHead), cache.length % PAGE_SLOTS),
    );
  }

  get budget(): number {
    this.usedBudget = true;
    return this.parts.budget;
  }

  positions(kvHead: number): Int32Array {
    return this.slots[kvHead].positions;
  }

  keys(kvHead: number): Float32Array {
    return this.floats(kvHead, this.read(kvHead).keys);
  }

  values(kvHead: number): Float32Array {
    return this.floats(kvHead, this.read(kvHead).values);
  }

  private floats(kvHead: number, address: number): Float32Array {
    return this.parts.heap.floats(address, this.slots[kvHead].positions.length * this.headDim);
  }

  private read(kvHead: number): Rows {
    const { headDim, parts } = this;
    const slots = this.slots[kvHead];
    const bytes = Math.max(64, slots.positions.length * headDim * 4);
    const rows = this.rows[kvHead] ?? { keys: parts.pool.take(bytes), values: parts.pool.take(bytes), bytes };
    if (!this.rows[kvHead]) {
      this.rows[kvHead] = rows;
      readRows(parts, slots, everySlot(slots), { headDim, keys: rows.keys, values: rows.values });
    }
    return rows;
  }

  projected(kvHead: number, of: "keys" | "values", matrix: Float32Array, power: 1 | 2): Float32Array {
    const { team, heap, pool } = this.parts;
    const { headDim } = this;
    const count = this.slots[kvHead].positions.length;
    const x = this.read(kvHead)[of];
    const bytes = [matrix.length * 4, Math.max(64, count * 4)];
    const [m, out] = bytes.map((size) => pool.take(size));
    heap.floats(m, matrix.length).set(matrix);
    projectedNorms(team, { x, count, headDim, matrix: m, rows: matrix.length / headDim, power, out });
    const result = heap.floats(out, count).slice();
    pool.give(m, bytes[0]);
    pool.give(out, bytes[1]);
    return result;
  }

  attention(kvHead: number, rows: number): Float32Array {
    const { heap, pool, team, cache, shape, layer, observations, itemSpace } = this.parts;
    const last = observations?.lastQueries(layer);
    if (!last || last.rows < rows)
      throw new Error(`view: ${rows} queries are wanted, ${last?.rows ?? 0} were gathered`);
    const { pages, at } = this.slots[kvHead];
    const isOpen = cache.length % PAGE_SLOTS !== 0;
    const sealed = isOpen ? pages.slice(0, -1) : pages;
    const own = isOpen ? pages[pages.length - 1] - FLOAT_PAGE : 0;
    const tableBytes = Math.max(64, sealed.length * 4);
    const bytes = columnBytes(sealed.length);
    const entries = pool.take(tableBytes);
    heap.addresses(entries, sealed.length).set(sealed);
    const positions = wantedPositions(heap, pool, last, rows, this.length);
    const weights = new Float32Array(at.length);
    const partial = pool.take(bytes);
    const shared = { entries, numEntries: sealed.length, own, kvHead, partial };
    for (let firstToken = 0; firstToken < last.rows; firstToken += PAGE_SLOTS) {
      const item = { ...shared, firstToken, numTokens: Math.min(PAGE_SLOTS, last.rows - firstToken) };
      attentionColumns(team, heap, shape, [item], { itemSpace, q: last.q, positions: positions.address, mode: "sum" });
      const columns = heap.floats(partial, bytes / 4);
      for (let slot = 0; slot < at.length; slot++) weights[slot] += columns[at[slot]];
    }
    pool.give(positions.address, positions.bytes);
    pool.give(partial, bytes);
    pool.give(entries, tableBytes);
    const scale = 1 / (Math.max(1, Math.min(rows, this.length)) * (this.numHeads / this.numKvHeads));
    return weights.map((weight) => weight * scale);
  }

  attentionSums(kvHead: number): Float32Array {
    const sums = this.parts.observations?.attentionSums(this.layer, kvHead);
    const group = this.numHeads / this.numKvHeads;
    return Float32Array.from(this.positions(kvHead), (position) => (sums?.[position] ?? 0) / group);
  }

  secondReading(kvHead: number): Float32Array {
    const most = this.parts.observations?.second[this.layer][kvHead];
    return Float32Array.from(this.positions(kvHead), (position) => most?.[position] ?? 0);
  }

  queryStatistics(head: number): QueryStatistics {
    const { stored, observations } = this.parts;
    if (stored) return stored.queryStatistics(this.layer, head);
    if (!observations) throw new Error("view: no statistics of queries were gathered");
    return observations.statistics(this.layer, head);
  }

  outputWeight(head: number): Float32Array {
    const { headDim, numHeads } = this;
    this.output ??= this.parts.outputColumns(this.layer);
    const hidden = this.output.length / (numHeads * headDim);
    const weight = new Float32Array(hidden * headDim);
    for (let c = 0; c < headDim; c++)
      for (let row = 0; row < hidden; row++)
        weight[row * headDim + c] = this.output[(head * headDim + c) * hidden + row];
    return weight;
  }

  random(kvHead: number): Float32Array {
    return Float32Array.from(this.positions(kvHead), (position) => hashed(this.layer, kvHead, position));
  }

  dispose(): void {
    const { pool } = this.parts;
    for (const rows of this.rows)
      if (rows) {
        pool.give(rows.keys, rows.bytes);
        pool.give(rows.values, rows.bytes);
      }
    this.rows.length = 0;
  }
}

export function everySlot({ positions }: HeadSlots): Int32Array {
  return Int32Array.from(positions, (_, slot) => slot);
}

/** Positions of the ring's rows, those that are not among the last `rows` tokens set to −1, which sees nothing. */
function wantedPositions(
  heap: SharedHeap,
  pool: PagePool,
  last: { rows: number; positions: number },
  rows: number,
  length: number,
): { address: number; bytes: number } {
  const bytes = last.rows * 4;
  const address = pool.take(bytes);
  const from = heap.ints(last.positions, last.rows);
  const to = heap.ints(address, last.rows);
  for (let row = 0; row < last.rows; row++) to[row] = from[row] >= length - rows ? from[row] : -1;
  return { address, bytes };
}

/** A uniform number in [0, 1) for three indices: the finaliser of MurmurHash3 (public domain), applied to each in turn. */
function hashed(...indices: number[]): number {
  let state = 0x9e3779b9;
  for (const index of indices) {
    state ^= index;
    state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
    state ^= state >>> 16;
  }
  return (state >>> 0) / 2 ** 32;
}
