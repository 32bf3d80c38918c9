/**
 * KVzip's second reading: a copy of the sequence is told to repeat a part of the text and reads it again; the most weight that
 * any of these queries gives a slot of the part is what the slot is worth. The softmax runs over the sinks, the pages of the part
 * and the repeated tokens; pages are taken whole, so up to 63 tokens on each side of the part take part as well.
 */
import type { Decoder } from "../model/decoder.ts";
import { type AttentionItem, type AttentionZone, PAGE_SLOTS, ZONE_SHIFT } from "../ops/attention.ts";
import type { SharedHeap } from "../runtime/memory.ts";
import type { Observations } from "./observations.ts";
import type { PagePool } from "./page-pool.ts";

/** What a copy that reads again watches: slots of tokens [start, end) and those it reads itself, from `length` on. */
export interface Watch {
  readonly into: Observations;
  readonly start: number;
  readonly end: number;
  readonly length: number;
}

const SINKS = 4;

export interface WatchedAttention {
  readonly q: number;
  readonly positions: number;
  readonly items: readonly AttentionItem[];
  readonly itemSpace: number;
}

/** Notes what the queries of one layer give to the part. Items as attention() had them: pages in the order of the text. */
export function watchLayer(
  { heap, pool }: { heap: SharedHeap; pool: PagePool },
  { into, start, end, length }: Watch,
  layer: number,
  { q, positions, items, itemSpace }: WatchedAttention,
): void {
  const pagesOf = (item: AttentionItem) => {
    const seen: number[] = [];
    heap.addresses(item.entries, item.numEntries).forEach((entry, page) => {
      const begin = page * PAGE_SLOTS;
      const isOfPart = begin + PAGE_SLOTS > start && begin < end;
      if (isOfPart || begin + PAGE_SLOTS > length) seen.push(entry);
      else if (page === 0) seen.push(entry | (1 << ZONE_SHIFT));
    });
    return seen;
  };
  const lists = items.map(pagesOf);
  const bytes = Math.max(64, lists.reduce((sum, list) => sum + list.length, 0) * 4);
  const space = pool.take(bytes);
  let at = space;
  const chosen = items.map((item, i) => {
    const entries = at;
    heap.addresses(entries, lists[i].length).set(lists[i]);
    at += lists[i].length * 4;
    return { ...item, entries, numEntries: lists[i].length };
  });
  const everything = { q, nearest: 0, farthest: 0, keyEnd: 0 };
  const zones: AttentionZone[] = [everything, { ...everything, keyEnd: SINKS }];
  into.addSums(layer, into.second[layer], "maximum", { q, positions, items: chosen, itemSpace, zones });
  pool.give(space, bytes);
}

/** Reads `tokenIds` chunk by chunk in a copy that is thrown away. */
export function readAgain(
  copy: { run(decoder: Decoder, tokenIds: Int32Array): void; dispose(): void },
  decoder: Decoder,
  tokenIds: Int32Array,
  chunk: number,
): void {
  try {
    for (let first = 0; first < tokenIds.length; first += chunk)
      copy.run(decoder, tokenIds.slice(first, first + chunk));
  } finally {
    copy.dispose();
  }
}
