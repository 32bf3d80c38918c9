/** Linear layers: rows of activations times a panel matrix. */
import type { SharedHeap } from "../runtime/memory.ts";
import type { Team } from "../runtime/team.ts";
import type { ActivationClass, PanelMatrix } from "./panels.ts";

/** Rows are handled in tiles of 4; buffers that a matmul writes need room for this many. */
export function paddedRows(rows: number): number {
  return rows === 1 ? 1 : Math.ceil(rows / 4) * 4;
}

const packers = { int8: "packInt8", int16: "packInt16", float: "packFloat" } as const;
const bytesPerValue = { int8: 1, int16: 2, float: 4 };
/** Scale floats per row and 32 inputs: int8 keeps a scaled sum beside each scale. */
const scalesPerBlock = { int8: 2, int16: 1, float: 0 };

const MAX_MATRICES = 3;
const TABLE_WORDS = 10;

/** Activations in the packed forms that matmuls read, made on demand from one f32 matrix. */
export class PackedRows {
  private readonly made = new Set<ActivationClass>();
  private readonly data: Partial<Record<ActivationClass, number>> = {};
  private readonly scales: Partial<Record<ActivationClass, number>> = {};
  private source = 0;
  /** Where a command's list of matrices is written. */
  readonly table: number;
  readonly heap: SharedHeap;
  rows = 0;
  width = 0;

  constructor(heap: SharedHeap, maxRows: number, maxWidth: number, classes: Iterable<ActivationClass>) {
    const size = Math.ceil(maxRows / 4) * 4 * maxWidth;
    this.heap = heap;
    this.table = heap.allocate(MAX_MATRICES * TABLE_WORDS * 4);
    for (const kind of classes) {
      this.data[kind] = heap.allocate(size * bytesPerValue[kind]);
      this.scales[kind] = heap.allocate((size / 32) * 4 * scalesPerBlock[kind]);
    }
  }

  /** Points at new activations: f32 [rows][width] at `source`. */
  set(source: number, rows: number, width: number): void {
    this.source = source;
    this.rows = rows;
    this.width = width;
    this.made.clear();
  }

  /** Addresses of data and scales of one form, packing first if this matrix has not been packed so yet. */
  pack(team: Team, kind: ActivationClass): { data: number; scales: number } {
    const data = this.data[kind];
    const scales = this.scales[kind];
    if (data === undefined || scales === undefined) throw new Error(`matmul: no room for ${kind} activations`);
    if (!this.made.has(kind)) {
      team.run(packers[kind], Math.ceil(this.rows / 4), 4, this.rows, this.width, this.source, data, scales);
      this.made.add(kind);
    }
    return { data, scales };
  }
}

export interface Product {
  weights: PanelMatrix;
  /** f32 [rows][ceil8(outputs)], with room for paddedRows(rows) rows. */
  out: number;
  /** The product is added to what `out` holds (a bias, a residual). */
  accumulate?: boolean;
}

/** Products of x with several matrices in one command: fewer waits in decode, better shared work in prefill. */
export function matmuls(team: Team, x: PackedRows, products: readonly Product[]): void {
  if (products.length > MAX_MATRICES) throw new Error(`matmul: at most ${MAX_MATRICES} matrices at once`);
  let numPanels = 0;
  const words = products.flatMap(({ weights, out, accumulate }) => {
    const { format, inputs, address } = weights;
    if (x.width !== inputs) throw new Error(`matmul: expected rows of ${inputs}, got ${x.width}`);
    const { data, scales } = x.pack(team, format.activations);
    const first = numPanels;
    numPanels += weights.numPanels;
    const rowBytes = weights.numPanels * 32;
    return [first, weights.numPanels, format.id, address, data, scales, out, rowBytes, accumulate ? 1 : 0, inputs];
  });
  x.heap.addresses(x.table, words.length).set(words);
  // A group of panels shares a slice of x in the L2 cache; small enough that threads finish together.
  const grain = Math.max(1, Math.min(8, Math.floor(numPanels / (4 * team.threads))));
  team.run("matmuls", numPanels, grain, x.rows, x.table, products.length);
}

/** out (+)= x · Wᵀ */
export function matmul(
  team: Team,
  x: PackedRows,
  weights: PanelMatrix,
  out: number,
  options: { accumulate?: boolean } = {},
): void {
  matmuls(team, x, [{ weights, out, ...options }]);
}

/** out[t] = factor · row ids[t] of `table`, f32 [tokens][inputs]; ids: i32 at an address. */
export function embed(team: Team, table: PanelMatrix, ids: number, tokens: number, out: number, factor: number): void {
  team.run("embed", tokens, 8, table.format.id, table.inputs, table.address, ids, out, factor);
}
