/** The pages of one (layer, KV head) and the entries that stand for pages. */

/**
 * table[n] is the sealed page n; pages before `first` have left the window and are gone, but for pinned ones.
 */
export interface HeadPages {
  readonly table: number;
  first: number;
  sealed: number;
  open: number;
  /** Pages of the text that were dropped, net of those made by compaction: sealed + missing is the text's number of full pages. */
  missing: number;
}

/** Sealed pages that are held: pinned ones, and those of the window. */
export function heldPages({ first, sealed }: HeadPages, pinnedPages: number): number[] {
  const pinned = Array.from({ length: Math.min(pinnedPages, sealed) }, (_, n) => n);
  return [...pinned, ...Array.from({ length: Math.max(0, sealed - first) }, (_, i) => first + i)];
}

/** Address of an entry's page: the bits below are flags. */
export function pageOf(entry: number): number {
  return (entry & ~(PAGE_ALIGNMENT - 1)) >>> 0;
}
const PAGE_ALIGNMENT = 64;
