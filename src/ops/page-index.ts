/** What stands for pages when some are chosen, and what queries make of it (kernels/page-index.ts). */
import type { SharedHeap } from "../runtime/memory.ts";
import type { Team } from "../runtime/team.ts";
import { type AttentionItem, type AttentionShape, PAGE_SLOTS, writeItems } from "./attention.ts";

/** Bounds of each run of `slots` keys, or the mean of all 64. */
export interface PageIndexShape {
  readonly kind: "bounds" | "mean";
  /** 64 where it is the mean. */
  readonly slots: number;
}

/** Bytes of a page's record: f32 [64 / slots][least, greatest][headDim], or [headDim]. */
export function recordBytes({ kind, slots }: PageIndexShape, headDim: number): number {
  return (kind === "mean" ? 1 : (2 * PAGE_SLOTS) / slots) * headDim * 4;
}

/** Makes records of full pages; pairs: u32 [count][entry of a page, address of its record] at an address. */
export function indexPages(
  team: Team,
  { kind, slots }: PageIndexShape,
  { headDim, pairs, count }: { headDim: number; pairs: number; count: number },
): void {
  team.run("indexPages", count, 4, headDim, kind === "mean" ? 0 : slots, pairs);
}

/**
 * Leaves f32 [rows][pages] from every item's `partial` on: for each token and query head of the item's KV head the greatest product that a key
 * of the page can have (bounds) or that with the mean, times scale · log2 e. entries: where the records of numEntries pages stand; q as in attention().
 */
export function scorePages(
  team: Team,
  heap: SharedHeap,
  shape: AttentionShape,
  { kind, slots }: PageIndexShape,
  items: readonly AttentionItem[],
  { itemSpace, q, pages }: { itemSpace: number; q: number; pages: number },
): void {
  writeItems(heap, shape, items, { itemSpace, q });
  const { numHeads, numKvHeads, headDim, scale } = shape;
  const isMean = kind === "mean";
  const group = numHeads / numKvHeads;
  const runs = isMean ? 1 : PAGE_SLOTS / slots;
  const log2Scale = scale * Math.LOG2E;
  const halves = isMean ? 1 : 2;
  team.run("scorePages", items.length, 1, itemSpace, q, numHeads, group, headDim, log2Scale, runs, halves, pages);
}
