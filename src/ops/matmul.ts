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

/** Activations in the packed forms that matmuls read, made on demand from one f32 matrix. */
export class PackedRows {
  private readonly made = new Set<ActivationClass>();
  private readonly data: Partial<Record<ActivationClass, number>> = {};
  private readonly scales: Partial<Record<ActivationClass, number>> = {};
  private source = 0;
  rows = 0;
  width = 0;

  constructor(heap: SharedHeap, maxRows: number, maxWidth: number, classes: Iterable<ActivationClass>) {
    const size = Math.ceil(maxRows / 4) * 4 * maxWidth;
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

/**
 * out [rows][ceil8(outputs)] f32 (+)= x · Wᵀ. With `accumulate` the product is added to what `out` holds (a bias, a residual).
 * `out` has room for paddedRows(rows) rows.
 */
export function matmul(
  team: Team,
  x: PackedRows,
  weights: PanelMatrix,
  out: number,
  options: { accumulate?: boolean } = {},
): void {
  const { format, inputs, numPanels, address } = weights;
  if (x.width !== inputs) throw new Error(`matmul: expected rows of ${inputs}, got ${x.width}`);
  const { data, scales } = x.pack(team, format.activations);
  // A group of panels shares a slice of x in the L2 cache; small enough that threads finish together.
  const grain = Math.max(1, Math.min(8, Math.floor(numPanels / (4 * team.threads))));
  const rowBytes = numPanels * 32;
  const accumulate = options.accumulate ? 1 : 0;
  team.run("matmul", numPanels, grain, format.id, x.rows, inputs, address, data, scales, out, rowBytes, accumulate);
}

/** out[t] = factor · row ids[t] of `table`, f32 [tokens][inputs]; ids: i32 at an address. */
export function embed(team: Team, table: PanelMatrix, ids: number, tokens: number, out: number, factor: number): void {
  team.run("embed", tokens, 8, table.format.id, table.inputs, table.address, ids, out, factor);
}
