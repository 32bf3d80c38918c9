/**
 * Low-bit KV pages (kernels/page-low.ts has the formulas and layouts), and what a page of any format takes.
 *
 * Keys with a scale per channel of a page: KIVI, Liu et al. 2024, arXiv 2402.02750. Keys turned by a Hadamard matrix, with a scale
 * per token: QuaRot, Ashkboos et al. 2024, arXiv 2404.00456.
 */
import type { SharedHeap } from "../runtime/memory.ts";
import type { Team } from "../runtime/team.ts";
import { FLOAT_PAGE, floatPageBytes, int8PageBytes, LOW_BIT_PAGE, PAGE_SLOTS, sealPages } from "./attention.ts";

export type CodeBits = 2 | 3 | 4 | 8;

/** Bits of a code, and what shares a mean and a step: a channel of the page, or 32 channels of a token. */
export interface LowBitFormat {
  readonly keys: { readonly bits: CodeBits; readonly by: "channel" | "rotated-token" };
  readonly values: { readonly bits: CodeBits; readonly by: "channel" | "token" };
}

/** How a full page is kept: as it is, as a q8 page, or as a low-bit page. */
export type PageFormat = "f32" | "q8" | LowBitFormat;

const HEADER_BYTES = 272;
/** Pages are aligned to so much, so they are counted in whole units of it. */
const ALIGNMENT = 64;
/** Channels that share a scale where scales are per token. */
const GROUP = 32;

/** Bytes of a page. */
export function pageBytes(format: PageFormat, headDim: number): number {
  if (format === "f32") return floatPageBytes(headDim);
  if (format === "q8") return int8PageBytes(headDim);
  const { keys, values } = format;
  const scales = (by: string) => 4 * (by === "channel" ? headDim : (PAGE_SLOTS * headDim) / GROUP);
  const codes = ((keys.bits + values.bits) * PAGE_SLOTS * headDim) / 8;
  return Math.ceil((HEADER_BYTES + scales(keys.by) + scales(values.by) + codes) / ALIGNMENT) * ALIGNMENT;
}

/** What an entry adds to the address of a page of this format. */
export function entryFlags(format: PageFormat): number {
  if (format === "f32") return FLOAT_PAGE;
  return format === "q8" ? 0 : LOW_BIT_PAGE;
}

/** What must divide the head size: whole vectors of integers, or whole groups of channels. */
export function headDimMultiple(format: PageFormat): number {
  if (typeof format === "string") return 16;
  return format.keys.by === "channel" && format.values.by === "channel" ? 16 : GROUP;
}

/**
 * Full f32 pages into pages of a format other than f32. pairs: u32 [count][from, to] at an address. Empty slots do not count in
 * low-bit pages' scales.
 */
export function sealPagesAs(
  team: Team,
  headDim: number,
  format: Exclude<PageFormat, "f32">,
  pairs: number,
  count: number,
): void {
  if (format === "q8") sealPages(team, headDim, pairs, count);
  else team.run("sealLowPages", count, 1, headDim, pairs, layoutWord(format));
}

/** Low-bit pages into f32 pages, positions too. pairs: u32 [count][from, to]; flags of entries are ignored. */
export function unpackPages(team: Team, headDim: number, pairs: number, count: number): void {
  team.run("unpackPages", count, 1, headDim, pairs);
}

/** The format of a low-bit page, as the page itself has it. */
export function formatOf(heap: SharedHeap, entry: number): LowBitFormat {
  const layout = heap.u32[((entry & ~(ALIGNMENT - 1)) >>> 0) / 4 + PAGE_SLOTS];
  const bits = (shift: number) => ((layout >> shift) & 15) as CodeBits;
  return {
    keys: { bits: bits(0), by: layout & 16 ? "rotated-token" : "channel" },
    values: { bits: bits(8), by: layout & (1 << 12) ? "token" : "channel" },
  };
}

function layoutWord({ keys, values }: LowBitFormat): number {
  const rotated = keys.by === "rotated-token" ? 16 : 0;
  const byToken = values.by === "token" ? 1 << 12 : 0;
  return keys.bits | rotated | (values.bits << 8) | byToken;
}
