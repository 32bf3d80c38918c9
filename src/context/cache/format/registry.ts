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

export const cacheFormats = new TechniqueRegistry<CacheFormat>("cache.format", [q8, f32, k8v4, q4, q3, q2, kivi]);

/** Layers that keep their pages in another format. Where two entries name a layer, the later one holds. */
export const layerFormats = z.array(
  z.strictObject({ layers: z.array(z.number().int().min(0)).min(1), format: cacheFormats.choice }),
);

/** How a layer keeps its pages. Layers with a sliding window hold few pages and are left at 8 bits, unless they are named. */
export function pageFormatsOf(
  format: Choice,
  layer: { readonly index: number; readonly window: number },
  overrides: z.infer<typeof layerFormats> = [],
): PageFormats {
  const own = overrides.findLast(({ layers }) => layers.includes(layer.index))?.format;
  const { technique, options } = cacheFormats.chosen(own ?? format);
  const pages = technique.pages(options);
  const isLeftAlone = own === undefined && layer.window > 0 && typeof pages.rest !== "string";
  return isLeftAlone ? { first: "q8", rest: "q8" } : pages;
}
