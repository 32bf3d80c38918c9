/** A layer as plans name it: below 1 a share of the model's layers, else a number. */
import { z } from "zod";

export const layerOption = z
  .number()
  .min(0)
  .refine((layer) => layer < 1 || Number.isInteger(layer), {
    error: "expected a share of the layers below 1, or a whole number of them",
  });

/** Which it is in a model of so many. */
export function layerAt(layer: number, numLayers: number): number {
  return layer < 1 ? Math.round(layer * numLayers) : layer;
}
