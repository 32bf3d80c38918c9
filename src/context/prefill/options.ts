/** Options that several methods have. */
import { z } from "zod";
import { layerAt, layerOption } from "../layer-option.ts";

export const PAGE = 64;

/** First tokens, which everything sees: at least the first page. */
export const sinksOption = z.number().int().min(1).default(PAGE);

/** Blocks before this token see everything. */
export const denseBelowOption = z.number().int().min(0).default(4096);

export const massOption = z.number().gt(0).max(1);

/** Layers [from, to) with a mass of their own. */
export const middleOption = z
  .strictObject({ from: layerOption, to: layerOption, mass: massOption })
  .refine(({ from, to }) => from < to || (from >= 1 && to < 1), { error: "expected layers [from, to), got none" });

/** A layer's mass. */
export function massIn(
  { mass, middle }: { mass: number; middle?: z.infer<typeof middleOption> },
  layer: number,
  numLayers: number,
): number {
  if (!middle) return mass;
  const [from, to] = [middle.from, middle.to].map((end) => layerAt(end, numLayers));
  return layer >= from && layer < to ? middle.mass : mass;
}

/** Pages of the first `sinks` tokens and of the last `window` before page `page`, ascending. */
export function endsOf(page: number, { sinks, window }: { sinks: number; window: number }): number[] {
  const first = Math.min(page, Math.ceil(sinks / PAGE));
  const last = Math.max(first, page - Math.ceil(window / PAGE));
  return Array.from({ length: page }, (_, n) => n).filter((n) => n < first || n >= last);
}
