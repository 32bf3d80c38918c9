/**
 * Which pages a zone with a choice (context/position/zones.ts) sees. Held are, by layer, what stands for every full page and the
 * last queries; choices are made anew from these, so that a fork or a text that was cut off knows no other than a first reading.
 */
import { highest } from "../context/cache/allocation/highest.ts";
import { PAGE, type PageChoice, STEP } from "../context/position/zones.ts";
import type { SharedHeap } from "../runtime/memory.ts";
import type { LayerShape } from "./layer-shapes.ts";
import type { PagePool } from "./page-pool.ts";

/** Last tokens whose queries are held: a cut goes back a page at most where there is anything to choose, and a choice needs up to two steps before it. */
const QUERY_ROWS = 2 * PAGE;
/** Pages whose representatives are in one block of memory. */
const BLOCK_PAGES = 16;

export interface ChosenPagesParts {
  readonly heap: SharedHeap;
  readonly pool: PagePool;
  readonly shapes: readonly LayerShape[];
  readonly choice: PageChoice;
  /** Least distance i − j of the zone. */
  readonly nearest: number;
}

interface LayerChoice {
  /** f32 [QUERY_ROWS][numKvHeads][headDim]: queries summed over the group, that of token i in row i mod QUERY_ROWS. */
  readonly queries: number;
  /** Addresses of f32 [BLOCK_PAGES][numKvHeads][representatives][headDim]. */
  readonly blocks: number[];
  /** By first token of a step: pages of each KV head. Steps of the last chunk where not all pages are seen. */
  chosen: Map<number, Int32Array[]>;
}

export interface ChosenChunk {
  readonly begin: number;
  readonly tokens: number;
  /** f32 [tokens][numHeads][headDim], turned for the zone. */
  readonly queries: number;
  /** f32 [headDim][PAGE]: keys of a page that the chunk has filled. */
  keys(kvHead: number, page: number): Float32Array;
}

export class ChosenPages {
  private readonly parts: ChosenPagesParts;
  private readonly layers: (LayerChoice | undefined)[];

  constructor(parts: ChosenPagesParts) {
    this.parts = parts;
    this.layers = parts.shapes.map((shape) =>
      shape.window > 0
        ? undefined
        : { queries: parts.pool.take(QUERY_ROWS * rowBytes(shape)), blocks: [], chosen: new Map() },
    );
  }

  fork(): ChosenPages {
    const { heap, pool } = this.parts;
    const copy = new ChosenPages(this.parts);
    this.each(({ queries, blocks, chosen }, shape, layer) => {
      const other = copy.layers[layer]!;
      const copyBytes = (from: number, to: number, bytes: number) => heap.u8.copyWithin(to, from, from + bytes);
      copyBytes(queries, other.queries, QUERY_ROWS * rowBytes(shape));
      for (const block of blocks) {
        other.blocks.push(pool.take(this.blockBytes(shape)));
        copyBytes(block, other.blocks.at(-1)!, this.blockBytes(shape));
      }
      other.chosen = new Map(chosen);
    });
    return copy;
  }

  /** Makes sure of the memory for a text of so many tokens. */
  reserve(length: number): void {
    const { pool } = this.parts;
    this.each(({ blocks }, shape) => {
      while (blocks.length < numBlocks(length)) blocks.push(pool.take(this.blockBytes(shape)));
    });
  }

  /** Bytes that a text of so many tokens takes. */
  bytesFor(length: number): number {
    let bytes = 0;
    this.each((_, shape) => {
      bytes += QUERY_ROWS * rowBytes(shape) + numBlocks(length) * this.blockBytes(shape);
    });
    return bytes;
  }

  get bytes(): number {
    let bytes = 0;
    this.each(({ blocks }, shape) => {
      bytes += QUERY_ROWS * rowBytes(shape) + blocks.length * this.blockBytes(shape);
    });
    return bytes;
  }

  /** Takes note of a chunk and chooses for its tokens. */
  read(layer: number, { begin, tokens, queries, keys }: ChosenChunk): void {
    const { heap, choice, shapes } = this.parts;
    const { numHeads, numKvHeads, headDim } = shapes[layer];
    const state = this.layers[layer]!;
    for (let page = Math.floor(begin / PAGE); page < Math.floor((begin + tokens) / PAGE); page++)
      for (let kvHead = 0; kvHead < numKvHeads; kvHead++)
        this.representatives(layer, kvHead, page).set(choice.represent(keys(kvHead, page)));
    const before = state.chosen;
    state.chosen = new Map();
    const step = begin - (begin % STEP);
    if (step < begin && this.isChosen(begin)) state.chosen.set(step, before.get(step) ?? this.choose(layer, step));
    const group = numHeads / numKvHeads;
    const from = heap.floats(queries, tokens * numHeads * headDim);
    const rows = heap.floats(state.queries, QUERY_ROWS * numKvHeads * headDim);
    for (let t = 0; t < tokens; t++) {
      const position = begin + t;
      for (let kvHead = 0; kvHead < numKvHeads; kvHead++) {
        const to = ((position % QUERY_ROWS) * numKvHeads + kvHead) * headDim;
        const head = (t * numHeads + kvHead * group) * headDim;
        for (let c = 0; c < headDim; c++) {
          let sum = 0;
          for (let h = 0; h < group; h++) sum += from[head + h * headDim + c];
          rows[to + c] = sum;
        }
      }
      if (position % STEP === 0 && this.isChosen(position)) state.chosen.set(position, this.choose(layer, position));
    }
  }

  /** First position behind `position` whose token may see other pages. */
  tileEnd(position: number): number {
    const tile = this.isChosen(position) ? STEP : PAGE;
    return position - (position % tile) + tile;
  }

  /** Pages before page `to` that the token at `position` sees, ascending. The chunk was read. */
  pages(layer: number, kvHead: number, position: number, to: number): number[] {
    const chosen = this.layers[layer]!.chosen.get(position - (position % STEP))?.[kvHead];
    const seen: number[] = [];
    const [first, end] = chosen ? this.candidates(position) : [to, to];
    for (let page = 0; page < Math.min(first, to); page++) seen.push(page);
    if (chosen) seen.push(...chosen);
    for (let page = end; page < to; page++) seen.push(page);
    return seen;
  }

  /** The text was cut to `length` tokens. Choices for steps behind it are never asked for again. */
  truncate(length: number): void {
    const { pool } = this.parts;
    this.each(({ blocks }, shape) => {
      for (const block of blocks.splice(numBlocks(length))) pool.give(block, this.blockBytes(shape));
    });
  }

  dispose(): void {
    const { pool } = this.parts;
    this.each(({ queries, blocks }, shape) => {
      pool.give(queries, QUERY_ROWS * rowBytes(shape));
      for (const block of blocks) pool.give(block, this.blockBytes(shape));
    });
  }

  /** Pages among which is chosen: full ones that all queries on the position's page may see. */
  private candidates(position: number): [from: number, to: number] {
    const { choice, nearest } = this.parts;
    const page = Math.floor(position / PAGE);
    return [choice.always, Math.max(choice.always, page - Math.ceil(nearest / PAGE))];
  }

  private isChosen(position: number): boolean {
    const [from, to] = this.candidates(position);
    return to - from > this.parts.choice.most;
  }

  private choose(layer: number, position: number): Int32Array[] {
    const { heap, choice, shapes } = this.parts;
    const { numKvHeads, headDim } = shapes[layer];
    const [first, end] = this.candidates(position);
    const rows = heap.floats(this.layers[layer]!.queries, QUERY_ROWS * numKvHeads * headDim);
    return Array.from({ length: numKvHeads }, (_, kvHead) => {
      const query = new Float64Array(headDim);
      for (let i = position - STEP + 1; i <= position; i++) {
        const row = ((i % QUERY_ROWS) * numKvHeads + kvHead) * headDim;
        for (let c = 0; c < headDim; c++) query[c] += rows[row + c];
      }
      const scores = new Float32Array(end - first);
      for (let page = first; page < end; page++) {
        scores[page - first] = highestProduct(query, this.representatives(layer, kvHead, page));
      }
      return highest(scores, choice.most).map((page) => page + first);
    });
  }

  private representatives(layer: number, kvHead: number, page: number): Float32Array {
    const { heap, choice, shapes } = this.parts;
    const { numKvHeads, headDim } = shapes[layer];
    const block = this.layers[layer]!.blocks[Math.floor(page / BLOCK_PAGES)];
    const floats = choice.representatives * headDim;
    return heap.floats(block + ((page % BLOCK_PAGES) * numKvHeads + kvHead) * floats * 4, floats);
  }

  private blockBytes(shape: LayerShape): number {
    return BLOCK_PAGES * this.parts.choice.representatives * rowBytes(shape);
  }

  private each(use: (state: LayerChoice, shape: LayerShape, layer: number) => void): void {
    this.layers.forEach((state, layer) => {
      if (state) use(state, this.parts.shapes[layer], layer);
    });
  }
}

function highestProduct(query: Float64Array, vectors: Float32Array): number {
  let highest = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < vectors.length; at += query.length) {
    let product = 0;
    for (let c = 0; c < query.length; c++) product += query[c] * vectors[at + c];
    highest = Math.max(highest, product);
  }
  return highest;
}

function numBlocks(length: number): number {
  return Math.ceil(Math.floor(length / PAGE) / BLOCK_PAGES);
}

/** Bytes of one vector for every KV head. */
function rowBytes({ numKvHeads, headDim }: LayerShape): number {
  return numKvHeads * headDim * 4;
}
