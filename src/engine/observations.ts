/**
 * What scores need besides the cache, gathered while a sequence reads: the last queries, sums of attention weights, and the
 * mean and covariance of queries. Only layers without a sliding window are observed.
 */
import type { QueryStatistics, ScoreNeeds } from "../context/cache/score/score.ts";
import { type AttentionItem, PAGE_SLOTS } from "../ops/attention.ts";
import { attentionColumns, columnBytes } from "../ops/attention-columns.ts";
import { addOuterProducts } from "../ops/projection.ts";
import type { SharedHeap } from "../runtime/memory.ts";
import type { Team } from "../runtime/team.ts";
import { pageOf } from "./head-pages.ts";
import type { LayerShape } from "./layer-shapes.ts";
import { type Moments, queryStatisticsOf } from "./moments.ts";
import type { PagePool } from "./page-pool.ts";

/** First tokens that are left out of the statistics of queries, as expected attention has it. */
const STATISTICS_FROM = 4;

interface Block {
  readonly address: number;
  readonly bytes: number;
}

export interface ObservationParts {
  readonly team: Team;
  readonly heap: SharedHeap;
  readonly pool: PagePool;
  readonly shapes: readonly LayerShape[];
  readonly needs: ScoreNeeds;
}

/** The last queries of a layer after RoPE, in no order: q f32 [rows][numHeads][headDim]; rows not filled have position −1. */
export interface LastQueries {
  readonly rows: number;
  readonly q: number;
  readonly positions: number;
}

export class Observations {
  readonly needs: ScoreNeeds;
  private readonly parts: ObservationParts;
  private readonly queries: (Block | undefined)[];
  private readonly positions?: Block[];
  private readonly products: (Block | undefined)[];
  private readonly counts: number[];
  /** f64 [numKvHeads][headDim] */
  private readonly keySums: (Float64Array | undefined)[];
  /** [layer][KV head]: by position, summed over queries and the group. */
  private readonly sums: Float32Array[][];
  /** [layer][KV head]: by position, the most that a query of the second reading gave. */
  readonly second: Float32Array[][];

  constructor(parts: ObservationParts) {
    this.parts = parts;
    this.needs = parts.needs;
    const { shapes, pool, heap, needs } = parts;
    const { queries: rows = 0 } = needs;
    const zeroed = (bytes: number): Block => {
      const block = { address: pool.take(bytes), bytes };
      heap.u8.fill(0, block.address, block.address + bytes);
      return block;
    };
    const observed = <T>(make: (shape: LayerShape) => T) =>
      shapes.map((shape) => (shape.window > 0 ? undefined : make(shape)));
    this.queries = observed(({ numHeads, headDim }) => (rows > 0 ? zeroed(rows * numHeads * headDim * 4) : undefined));
    if (rows > 0) {
      this.positions = shapes.map(() => zeroed(rows * 4));
      for (const { address } of this.positions) heap.ints(address, rows).fill(-1);
    }
    this.products = observed(({ numHeads, headDim }) =>
      needs.statistics ? zeroed(numHeads * headDim * (headDim + 1) * 8) : undefined,
    );
    this.counts = shapes.map(() => 0);
    this.keySums = observed(({ numKvHeads, headDim }) =>
      needs.statistics ? new Float64Array(numKvHeads * headDim) : undefined,
    );
    const perHead = (wanted?: boolean) =>
      shapes.map(({ numKvHeads, window }) =>
        wanted && window === 0 ? Array.from({ length: numKvHeads }, () => new Float32Array(0)) : [],
      );
    this.sums = perHead(needs.attentionSums);
    this.second = perHead(needs.secondReading);
  }

  /** Queries and keys before RoPE: f32 [tokens][heads][headDim], the first at position `begin`. */
  beforeRotation(layer: number, q: number, k: number, begin: number, tokens: number): void {
    const products = this.products[layer];
    const first = Math.max(0, STATISTICS_FROM - begin);
    if (!products || first >= tokens) return;
    const { numHeads: heads, headDim } = this.parts.shapes[layer];
    const sums = products.address;
    addOuterProducts(this.parts.team, { q, tokens, first, heads, headDim, sums, products: sums + heads * headDim * 8 });
    this.counts[layer] += tokens - first;
    this.addKeys(layer, k, first, tokens);
  }

  private addKeys(layer: number, k: number, first: number, tokens: number): void {
    const sums = this.keySums[layer];
    if (!sums) return;
    const keys = this.parts.heap.floats(k, tokens * sums.length);
    for (let t = first; t < tokens; t++) for (let c = 0; c < sums.length; c++) sums[c] += keys[t * sums.length + c];
  }

  /** Queries after RoPE, and the items of attention that they make. */
  afterRotation(
    layer: number,
    {
      q,
      positions,
      tokens,
      items,
      itemSpace,
    }: {
      q: number;
      positions: number;
      tokens: number;
      items: readonly AttentionItem[];
      itemSpace: number;
    },
  ): void {
    this.keepQueries(layer, q, positions, tokens);
    if (this.sums[layer].length > 0) this.addSums(layer, this.sums[layer], "sum", { q, positions, items, itemSpace });
  }

  /** A row for each position modulo their number: of tokens that share one the newest stays, wherever others were left out. */
  private keepQueries(layer: number, q: number, positionsAt: number, tokens: number): void {
    const { heap, shapes } = this.parts;
    const ring = this.queries[layer];
    const { queries: rows = 0 } = this.needs;
    if (!ring || !this.positions) return;
    const rowBytes = shapes[layer].numHeads * shapes[layer].headDim * 4;
    const from = heap.ints(positionsAt, tokens);
    const positions = heap.ints(this.positions[layer].address, rows);
    for (let t = Math.max(0, tokens - rows); t < tokens; t++) {
      const row = from[t] % rows;
      heap.u8.copyWithin(ring.address + row * rowBytes, q + t * rowBytes, q + (t + 1) * rowBytes);
      positions[row] = from[t];
    }
  }

  /** Adds (or takes the maximum of) the weights that the items' queries give to every slot they see, by position. */
  addSums(
    layer: number,
    into: Float32Array[],
    mode: "sum" | "maximum",
    { items, ...inputs }: Omit<Parameters<typeof attentionColumns>[4], "mode"> & { items: readonly AttentionItem[] },
  ): void {
    const { team, heap, pool, shapes } = this.parts;
    const bytes = items.reduce((sum, { numEntries }) => sum + columnBytes(numEntries), 0);
    const columns = pool.take(bytes);
    let at = columns;
    const placed = items.map((item) => {
      const partial = at;
      at += columnBytes(item.numEntries);
      return { ...item, partial };
    });
    attentionColumns(team, heap, shapes[layer], placed, { ...inputs, mode });
    for (const { kvHead, entries, numEntries, own, partial } of placed) {
      const pages = [...heap.addresses(entries, numEntries), ...(own ? [own] : [])];
      pages.forEach((entry, page) => {
        const weights = heap.floats(partial + page * PAGE_SLOTS * 4, PAGE_SLOTS);
        into[kvHead] = addByPosition(into[kvHead], heap.ints(pageOf(entry), PAGE_SLOTS), weights, mode);
      });
    }
    pool.give(columns, bytes);
  }

  /**
   * Forgets what was gathered of a text that is cut to `length` tokens. Gives how many tokens of it may stay: those
   * behind have to be read again. What was summed up cannot be taken back, so none may stay then.
   */
  truncate(length: number): number {
    const { heap, shapes, needs } = this.parts;
    const { queries: rows = 0 } = needs;
    for (const { address } of this.positions ?? []) heap.ints(address, rows).fill(-1);
    if (!needs.statistics && !needs.attentionSums && !needs.secondReading) return Math.max(0, length - rows);
    shapes.forEach((_, layer) => {
      const products = this.products[layer];
      if (products) heap.u8.fill(0, products.address, products.address + products.bytes);
      this.counts[layer] = 0;
      this.keySums[layer]?.fill(0);
      for (const sums of [this.sums[layer], this.second[layer]]) sums.fill(new Float32Array(0));
    });
    return 0;
  }

  lastQueries(layer: number): LastQueries | undefined {
    const ring = this.queries[layer];
    const { queries: rows = 0 } = this.needs;
    return ring && this.positions && { rows, q: ring.address, positions: this.positions[layer].address };
  }

  /** [positions]: mean over the group of what attention() gave in all. */
  attentionSums(layer: number, kvHead: number): Float32Array {
    return this.sums[layer][kvHead];
  }

  /** What was summed of a layer without a sliding window; views of memory. */
  moments(layer: number): Moments {
    const { heap, shapes } = this.parts;
    const block = this.products[layer];
    const keys = this.keySums[layer];
    if (!block || !keys) throw new Error(`observations: no statistics of layer ${layer}`);
    const { numHeads, headDim } = shapes[layer];
    const doubles = new Float64Array(heap.memory.buffer, block.address, numHeads * headDim * (headDim + 1));
    const queries = doubles.subarray(0, numHeads * headDim);
    return { count: this.counts[layer], queries, keys, products: doubles.subarray(numHeads * headDim) };
  }

  statistics(layer: number, head: number): QueryStatistics {
    return queryStatisticsOf(this.moments(layer), this.parts.shapes[layer].headDim, head);
  }

  fork(): Observations {
    const { heap } = this.parts;
    const copy = new Observations(this.parts);
    const copyBlock = (from?: Block, to?: Block) => {
      if (from && to) heap.u8.copyWithin(to.address, from.address, from.address + from.bytes);
    };
    this.queries.forEach((block, layer) => {
      copyBlock(block, copy.queries[layer]);
      copyBlock(this.positions?.[layer], copy.positions?.[layer]);
      copyBlock(this.products[layer], copy.products[layer]);
      copy.counts[layer] = this.counts[layer];
      copy.keySums[layer] = this.keySums[layer]?.slice();
      copy.sums[layer] = this.sums[layer].map((sums) => sums.slice());
      copy.second[layer] = this.second[layer].map((sums) => sums.slice());
    });
    return copy;
  }

  dispose(): void {
    const { pool } = this.parts;
    for (const block of [...this.queries, ...(this.positions ?? []), ...this.products])
      if (block) pool.give(block.address, block.bytes);
  }
}

/** Positions of a page may be those of empty slots, or stale behind the newest token: their weights are 0. */
function addByPosition(
  into: Float32Array,
  positions: Int32Array,
  weights: Float32Array,
  mode: "sum" | "maximum",
): Float32Array {
  let to = into;
  for (let slot = 0; slot < PAGE_SLOTS; slot++) {
    const weight = weights[slot];
    if (weight === 0) continue;
    const position = positions[slot];
    if (position >= to.length) {
      const grown = new Float32Array(Math.max(1024, 2 ** Math.ceil(Math.log2(position + 1))));
      grown.set(to);
      to = grown;
    }
    to[position] = mode === "sum" ? to[position] + weight : Math.max(to[position], weight);
  }
  return to;
}
