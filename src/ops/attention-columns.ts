/** Column sums of attention: what share of the softmax every slot gets (kernels/attention-columns.ts). */
import type { SharedHeap } from "../runtime/memory.ts";
import type { Team } from "../runtime/team.ts";
import { type AttentionItem, type AttentionShape, type AttentionZone, PAGE_SLOTS, writeItems } from "./attention.ts";

/** Over the rows of an item, its tokens × the query heads of the group: their sum, or the most that any of them gives. */
export type ColumnMode = "sum" | "maximum";

/** Bytes of the columns of an item with so many entries: its own page has a block too, even if there is none. */
export function columnBytes(numEntries: number): number {
  return (numEntries + 1) * PAGE_SLOTS * 4;
}

/** Bytes of the sums along diagonals of an item with so many entries. */
export function diagonalBytes(numEntries: number): number {
  return columnBytes(numEntries) + PAGE_SLOTS * 4;
}

/**
 * Leaves f32 [numEntries + 1][64] at every item's `partial`: what its rows give each slot of each entry, and of their own page
 * last. A slot that no row sees gets exactly 0, as does every slot of a missing page; a row that sees nothing gives nothing. A page
 * that is listed once for each of several zones has a block for each. The rest is as in attention(): q f32 [tokens][numHeads][headDim], positions
 * If an item has `diagonals` (diagonalBytes(), all 0, at most 64 tokens), what token t gives slot s of entry e is added to its [64e + s + 63 − t] too.
 * i32 [tokens], headDim a multiple of 16, scratch of attentionScratchBytes(); without `zones` the shape's window counts.
 */
export function attentionColumns(
  team: Team,
  heap: SharedHeap,
  shape: AttentionShape,
  items: readonly AttentionItem[],
  args: { itemSpace: number; q: number; positions: number; zones?: readonly AttentionZone[]; mode: ColumnMode },
): void {
  const { itemSpace, q, positions, mode } = args;
  const zonesAt = writeItems(heap, shape, items, args);
  const { numHeads, numKvHeads, headDim, scale } = shape;
  team.run(
    "attentionColumns",
    items.length,
    1,
    itemSpace,
    q,
    positions,
    numHeads,
    numHeads / numKvHeads,
    headDim,
    scale * Math.LOG2E,
    zonesAt,
    mode === "maximum" ? 1 : 0,
  );
}
