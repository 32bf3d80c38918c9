/** Elementwise operations on rows of f32: norm, activation, bias, rotary positions. Addresses are of f32 [rows][width]. */
import type { Team } from "../runtime/team.ts";

/** out = x / rms(x) · weight over rows of `width` (a multiple of 4); `out` may be `x`; with `add`, added to `out`. */
export function rmsnorm(team: Team, { x, weight, out, rows, width, eps, add = false }: RmsnormArguments): void {
  team.run("rmsnorm", rows, grainOf(rows), width, x, weight, out, eps, add ? 1 : 0);
}

export interface RmsnormArguments {
  x: number;
  weight: number;
  out: number;
  rows: number;
  width: number;
  eps: number;
  add?: boolean;
}

/** Every row of x becomes `bias` [width]. */
export function fillRows(team: Team, x: number, bias: number, rows: number, width: number): void {
  team.run("fillRows", rows, grainOf(rows), width, bias, x);
}

export type GateActivation = "silu" | "gelu";

/** gate = activation(gate) · up */
export function gateMul(
  team: Team,
  activation: GateActivation,
  gate: number,
  up: number,
  rows: number,
  width: number,
): void {
  team.run(activation === "silu" ? "siluMul" : "geluMul", rows, grainOf(rows), width, gate, up);
}

export interface RopeShape {
  heads: number;
  headDim: number;
  /** Leading dimensions that turn; at most headDim. */
  rotary: number;
  /** Pairs (2m, 2m+1) instead of (m, m + rotary/2). */
  interleaved: boolean;
}

/** Turns x [tokens][heads][headDim] in place; table [tokens][rotary/2 cosines, rotary/2 sines]. */
export function rope(team: Team, shape: RopeShape, table: number, x: number, tokens: number): void {
  const { heads, headDim, rotary, interleaved } = shape;
  team.run("rope", tokens, grainOf(tokens), heads, headDim, rotary, interleaved ? 1 : 0, table, x);
}

function grainOf(rows: number): number {
  return Math.max(4, Math.ceil(rows / 16));
}
