/** Estimated attention of blocks of 64 query tokens to pages (kernels/row-masses.ts, kernels/block-masses.ts). */
import type { SharedHeap } from "../runtime/memory.ts";
import type { Team } from "../runtime/team.ts";
import { type AttentionItem, type AttentionShape, PAGE_SLOTS, writeItems } from "./attention.ts";

/** Tokens of a block that are asked where no stride is given. */
export const ASKED_TOKENS = 4;

/** Work space that an item with so many pages needs. */
export function blockMassesBytes(
  { numHeads, numKvHeads, headDim }: AttentionShape,
  { pages, stride }: { pages: number; stride?: number },
): number {
  const group = numHeads / numKvHeads;
  if (stride === undefined) return 2 * pages * group * ASKED_TOKENS * 4;
  const rows = (group * PAGE_SLOTS) / stride / 2;
  const queries = group * PAGE_SLOTS * headDim * 2;
  const bytes = queries + (group + rows + 1) * headDim * 4 + 2 * pages * Math.ceil(rows / 4) * 16;
  return Math.ceil(bytes / 16) * 16;
}

/**
 * Leaves f32 [numEntries] at every item's `partial`: the share of the attention that the block gives each page, the mean over its
 * tokens and the query heads of the KV head; they sum to 1. Estimated from sums along antidiagonals of a stride, 8 or 16; without one it
 * is what four of the tokens give, and no estimate for these. An item is 64 tokens of q f32 [tokens][numHeads][headDim]; its entries are pages
 * of all formats, the last is the block's own, sealed. work: blockMassesBytes() of the longest item for each; headDim a multiple of 16.
 */
export function blockMasses(
  team: Team,
  heap: SharedHeap,
  shape: AttentionShape,
  items: readonly AttentionItem[],
  args: { itemSpace: number; q: number; stride?: number; work: number; workBytes: number },
): void {
  const { itemSpace, q, stride, work, workBytes } = args;
  writeItems(heap, shape, items, { itemSpace, q });
  const { numHeads, numKvHeads, headDim, scale } = shape;
  const log2Scale = scale * Math.LOG2E;
  const group = numHeads / numKvHeads;
  if (stride === undefined)
    team.run("rowMasses", items.length, 1, itemSpace, q, numHeads, group, headDim, log2Scale, work, workBytes);
  else
    team.run(
      "blockMasses",
      items.length,
      1,
      itemSpace,
      q,
      numHeads,
      group,
      headDim,
      log2Scale,
      stride,
      work,
      workBytes,
    );
}
