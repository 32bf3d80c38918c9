/** The format axis of the cache: how sealed pages hold keys and values. The open page is always f32. */
import { z } from "zod";
import { type Choice, TechniqueRegistry } from "../../technique.ts";
import { f32 } from "./f32.ts";
import type { CacheFormat, PageFormats } from "./format.ts";
import { k8v4 } from "./k8v4.ts";
import { kivi } from "./kivi.ts";
import { q2 } from "./q2.ts";
import { q3 } from "./q3.ts";
import { q4 } from "./q4.ts";
import { q8 } from "./q8.ts";

export type { CacheFormat as CacheFormatTechnique } from "./format.ts";

export const cacheFormats = new TechniqueRegistry<CacheFormat>("cache.format", [q8, f32, k8v4, q4, q3, q2, kivi]);

/** Layers that keep their pages in another format. Where two entries name a layer, the later one holds. */
export const layerFormats = z.array(
  z.strictObject({ layers: z.array(z.number().int().min(0)).min(1), format: cacheFormats.choice }),
);

/** How a layer keeps its pages. */
export function pageFormatsOf(
  format: Choice,
  layer: number,
  overrides: z.infer<typeof layerFormats> = [],
): PageFormats {
  const own = overrides.findLast(({ layers }) => layers.includes(layer))?.format ?? format;
  const { technique, options } = cacheFormats.chosen(own);
  return technique.pages(options);
}
