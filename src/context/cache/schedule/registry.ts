/** The schedule axis of the cache: when slots are dropped. */
import { z } from "zod";
import { type Technique, TechniqueRegistry, techniqueOptions } from "../../technique.ts";

export interface CacheSchedule extends Technique {
  readonly source: string;
  /** Tokens read one after the other through all layers, or all tokens layer by layer. */
  readonly order: "chunks" | "layers";
  /** When a prefill ends. */
  readonly afterPrefill: boolean;
  /** At every multiple of `every` tokens of the text, while it is read, or of what is generated. */
  readonly everyWhile?: "reading" | "generating";
}

/** Tokens between two times. A multiple of 64, so that only whole pages are scored. */
function everyOption(standard: number) {
  return z.number().int().min(64).max(65536).multipleOf(64, "expected a multiple of 64").default(standard);
}

export const cacheSchedules = new TechniqueRegistry<CacheSchedule>("cache.schedule", [
  {
    id: "after-prefill",
    summary: "all is read exactly, then dropped once",
    source: "kvpress ScorerPress",
    options: techniqueOptions("after-prefill", {}),
    order: "chunks",
    afterPrefill: true,
  },
  {
    id: "streaming",
    summary: "dropped while reading, so that memory never exceeds the budget by more than `every` tokens",
    source: "KeyDiff, arXiv 2504.15364; kvpress BlockPress",
    options: techniqueOptions("streaming", { every: everyOption(512) }),
    order: "chunks",
    afterPrefill: false,
    everyWhile: "reading",
  },
  {
    id: "every-n",
    summary: "dropped after reading, and again every n generated tokens",
    source: "kvpress DecodingPress",
    options: techniqueOptions("every-n", { every: everyOption(512) }),
    order: "chunks",
    afterPrefill: true,
    everyWhile: "generating",
  },
  {
    id: "layer-major",
    summary: "all tokens layer by layer: exact as after-prefill, with one full layer in memory at a time",
    source: "",
    options: techniqueOptions("layer-major", {}),
    order: "layers",
    afterPrefill: true,
  },
]);
