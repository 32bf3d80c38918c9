/** The format axis of the cache: how sealed pages hold keys and values. The open page is always f32. */
import { type Technique, TechniqueRegistry, techniqueOptions } from "../../technique.ts";

export interface CacheFormatTechnique extends Technique {
  readonly source: string;
}

export const cacheFormats = new TechniqueRegistry<CacheFormatTechnique>("cache.format", [
  {
    id: "q8",
    summary: "8 bits: keys with a scale and mean per page and channel, values with a scale",
    source: "",
    options: techniqueOptions("q8", {}),
  },
  { id: "f32", summary: "as computed", source: "", options: techniqueOptions("f32", {}) },
]);
