/**
 * Weight matrices in panels: the file's blocks re-laid once for the kernels (kernels/panel.ts has the layouts).
 * A panel holds 8 outputs of all inputs, in blocks of 32 inputs.
 */
import type { TensorType } from "../formats/tensor-types.ts";
import type { SharedHeap } from "../runtime/memory.ts";
import type { Arithmetic } from "../runtime/profile.ts";
import type { Team } from "../runtime/team.ts";

/** What activations a format multiplies with: see pack-rows. */
export type ActivationClass = "int8" | "int16" | "float";

interface PanelFormat {
  readonly id: number;
  readonly blockBytes: number;
  readonly activations: ActivationClass;
  /** For profiles. */
  readonly products: Arithmetic;
}

const formats: Record<string, PanelFormat> = {
  Q4_0: { id: 0, blockBytes: 144, activations: "int8", products: "i4" },
  Q4_1: { id: 1, blockBytes: 160, activations: "int8", products: "i4" },
  Q4_K: { id: 1, blockBytes: 160, activations: "int8", products: "i4" },
  Q5_0: { id: 2, blockBytes: 176, activations: "int8", products: "i5" },
  Q5_1: { id: 3, blockBytes: 192, activations: "int8", products: "i5" },
  Q5_K: { id: 3, blockBytes: 192, activations: "int8", products: "i5" },
  Q3_K: { id: 4, blockBytes: 160, activations: "int16", products: "i16" },
  Q6_K: { id: 5, blockBytes: 224, activations: "int16", products: "i16" },
  Q2_K: { id: 6, blockBytes: 144, activations: "int16", products: "i16" },
  Q8_0: { id: 7, blockBytes: 272, activations: "int16", products: "i16" },
  F16: { id: 8, blockBytes: 512, activations: "float", products: "f32" },
  BF16: { id: 9, blockBytes: 512, activations: "float", products: "f32" },
  F32: { id: 10, blockBytes: 1024, activations: "float", products: "f32" },
};

/** Outputs that a panel holds. */
export const PANEL_OUTPUTS = 8;

/** By the id that kernels know it by. */
export function panelFormat(id: number): PanelFormat {
  const format = Object.values(formats).find((each) => each.id === id);
  if (!format) throw new Error(`panels: no format has the id ${id}`);
  return format;
}

export interface PanelMatrix {
  readonly format: PanelFormat;
  readonly inputs: number;
  readonly outputs: number;
  readonly numPanels: number;
  readonly address: number;
}

export function panelBytes(type: TensorType, inputs: number, outputs: number): number {
  return Math.ceil(outputs / 8) * (inputs / 32) * formats[type.name].blockBytes;
}

/** Room for a matrix [outputs][inputs]; inputs must be a multiple of 32. */
export function allocatePanels(heap: SharedHeap, type: TensorType, inputs: number, outputs: number): PanelMatrix {
  return {
    format: formats[type.name],
    inputs,
    outputs,
    numPanels: Math.ceil(outputs / 8),
    address: heap.allocate(panelBytes(type, inputs, outputs)),
  };
}

/** Re-lays `rows` rows of the file's blocks at `source` into the panels from `firstPanel` on. */
export function packWeights(
  team: Team,
  matrix: PanelMatrix,
  type: TensorType,
  rows: number,
  source: number,
  firstPanel: number,
): void {
  const { format, inputs, address } = matrix;
  const rowBytes = (inputs / type.blockLength) * type.blockBytes;
  const to = address + firstPanel * (inputs / 32) * format.blockBytes;
  team.run("packWeights", Math.ceil(rows / 8), 2, type.id, format.id, inputs, rows, source, rowBytes, to);
}
