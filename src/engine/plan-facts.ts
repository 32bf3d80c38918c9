/** What plans want to know of a model and of this machine, from the file's header alone. */
import type { PlanRequest } from "../context/auto.ts";
import { cacheFormats } from "../context/cache/format/registry.ts";
import type { PlanFacts } from "../context/check.ts";
import { type Gguf, readGguf } from "../formats/gguf.ts";
import { type ModelConfig, readModelConfig } from "../model/config.ts";
import { Decoder } from "../model/decoder.ts";
import { weightBytes } from "../model/weights.ts";
import { PAGE_SLOTS } from "../ops/attention.ts";
import { pageBytes } from "../ops/page-low.ts";
import type { Host } from "../platform/platform.ts";
import { maxPrefillChunk } from "./types.ts";

export interface ModelHeader {
  readonly gguf: Gguf;
  readonly config: ModelConfig;
  readonly fileBytes: number;
}

export function readModelHeader(host: Pick<Host, "openFile">, path: string): ModelHeader {
  const file = host.openFile(path);
  try {
    const gguf = readGguf(file);
    return { gguf, config: readModelConfig(gguf, file), fileBytes: file.size };
  } finally {
    file.close();
  }
}

export function planFacts(config: ModelConfig): PlanFacts {
  const { name, contextLength, numLayers, headDim } = config;
  return { name, contextLength, numLayers, numFullLayers: fullLayers(config).length, headDim };
}

/** Bytes of a token in the full pages of all layers without a sliding window, by format. The first page is counted as the others. */
export function kvBytesPerToken(config: ModelConfig): { q8: number; f32: number; [format: string]: number } {
  const heads = fullLayers(config).length * config.numKvHeads;
  const bytes = (id: string) => {
    const { technique, options } = cacheFormats.chosen(id);
    return (heads * pageBytes(technique.pages(options).rest, config.headDim)) / PAGE_SLOTS;
  };
  const others = cacheFormats.members.map(({ id }) => [id, bytes(id)]);
  return { q8: bytes("q8"), f32: bytes("f32"), ...Object.fromEntries(others) };
}

/** For choosePlan(): a text of so many tokens, prompt and output, with a model that is not loaded yet. */
export function planRequest(
  host: Pick<Host, "freeMemoryBytes">,
  { gguf, config }: Pick<ModelHeader, "gguf" | "config">,
  tokens: number,
): PlanRequest {
  const { contextLength: trainedContext, layers } = config;
  return {
    trainedContext,
    tokens,
    kvBytesPerToken: kvBytesPerToken(config),
    freeBytes: roomForPages(host.freeMemoryBytes(), gguf, config),
    hasWindows: layers.some(({ window }) => window > 0),
    hasScaling: layers.some(({ rope }) => rope.scaling !== undefined),
  };
}

/** Heaps, code and stacks of the threads, and what is allocated on the way. */
const PROGRAM_BYTES = 256 << 20;
/** One WebAssembly memory holds weights and pages. */
const MEMORY_BYTES = 2 ** 32;

/** Bytes for pages that grow with the text, once the weights are there. */
function roomForPages(free: number, gguf: Gguf, config: ModelConfig): number {
  const fixed = weightBytes(gguf) + Decoder.workBytes(config, maxPrefillChunk) + fixedPageBytes(config);
  return Math.max(0, Math.min(free - PROGRAM_BYTES, MEMORY_BYTES) - fixed);
}

/** Every head's open page, and the pages of windows. */
function fixedPageBytes({ layers, numKvHeads, headDim }: ModelConfig): number {
  const pages = layers.reduce((sum, { window }) => sum + 1 + (window > 0 ? Math.ceil(window / PAGE_SLOTS) + 1 : 0), 0);
  return numKvHeads * pages * pageBytes("f32", headDim);
}

function fullLayers({ layers }: ModelConfig): ModelConfig["layers"] {
  return layers.filter(({ window }) => window === 0);
}
