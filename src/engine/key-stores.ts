/**
 * All copies of a sequence's keys and values: one cache, or for re-indexed positions one for each way in which keys are
 * turned, and what pages are chosen by. Layers with a sliding window have only the first cache.
 */
import type { CachePlan } from "../context/cache/plan.ts";
import type { Zones } from "../context/position/zones.ts";
import { type AttentionItem, PAGE_SLOTS, ZONE_SHIFT } from "../ops/attention.ts";
import type { SharedHeap } from "../runtime/memory.ts";
import type { Team } from "../runtime/team.ts";
import { ChosenPages } from "./chosen-pages.ts";
import { KvCache } from "./kv-cache.ts";
import type { LayerShape } from "./layer-shapes.ts";
import { PageLists } from "./page-lists.ts";
import type { PagePool } from "./page-pool.ts";
import type { SequenceSpace } from "./sequence-space.ts";

export interface KeyStoreParts {
  readonly team: Team;
  readonly heap: SharedHeap;
  readonly pool: PagePool;
  readonly space: SequenceSpace;
  readonly format: Pick<CachePlan, "format" | "layers">;
  /** Most tokens. */
  readonly capacity: number;
  readonly zones?: Zones;
}

export class KeyStores {
  readonly caches: readonly KvCache[];
  private readonly parts: KeyStoreParts;
  /** For the zone that sees some of its pages only. */
  private readonly chosen?: ChosenPages;
  private readonly lists: PageLists;

  constructor(parts: KeyStoreParts, from?: KeyStores) {
    this.parts = parts;
    const { team, heap, pool, space, format, capacity, zones } = parts;
    this.lists = new PageLists(parts);
    if (from) {
      this.caches = from.caches.map((cache) => cache.fork());
      this.chosen = from.chosen?.fork();
      return;
    }
    const shapesOf = zones?.stores.map((_, store) => space.shapes.map((shape) => shapeIn(shape, zones, store)));
    this.caches = (shapesOf ?? [space.shapes]).map(
      (shapes, store) =>
        new KvCache({
          ...{ team, heap, pool, shapes, format, capacity },
          staging: store === 0 ? space.staging : space.zones.staging,
        }),
    );
    const chooses = zones?.zones.find(({ choice }) => choice);
    if (chooses?.choice)
      this.chosen = new ChosenPages({
        ...{ heap, pool, shapes: space.shapes },
        ...{ choice: chooses.choice, nearest: chooses.nearest },
      });
  }

  /** An independent copy; pages are shared until one of the two drops slots of them. */
  fork(): KeyStores {
    return new KeyStores(this.parts, this);
  }

  get length(): number {
    return this.caches[0].length;
  }

  /** Sets how many tokens the next layer has: all tokens are read layer by layer. */
  set length(tokens: number) {
    for (const cache of this.caches) cache.length = tokens;
  }

  /** As KvCache.leaveOut(). */
  leaveOut(length: number): void {
    for (const cache of this.caches) cache.leaveOut(length);
  }

  bytesFor(tokens: number, counts?: (layer: number) => boolean): number {
    const { length, chosen } = this;
    const more = chosen ? chosen.bytesFor(length + tokens) - chosen.bytesFor(length) : 0;
    return this.caches.reduce((sum, cache) => sum + cache.bytesFor(tokens, counts), more);
  }

  /** As KvCache.reserve(). */
  reserve(tokens: number, times = 1): void {
    this.chosen?.reserve(this.length + tokens);
    for (const cache of this.caches) cache.reserve(tokens, times);
  }

  grow(tokens: number): void {
    for (const cache of this.caches) cache.length += tokens;
  }

  advanceLayer(layer: number, tokens: number): void {
    for (const cache of this.caches) cache.advanceLayer(layer, tokens);
  }

  /** As KvCache.wholeUpTo(). */
  wholeUpTo(length: number): number {
    return this.caches[0].wholeUpTo(length);
  }

  /** As KvCache.truncate(): all copies keep the same tokens. */
  truncate(length: number, above?: number): number {
    let kept = length;
    for (;;) {
      const left = this.caches.map((cache) => cache.truncate(kept, above));
      kept = Math.min(...left);
      if (left.every((tokens) => tokens === kept)) break;
    }
    this.chosen?.truncate(kept);
    return kept;
  }

  /** As KvCache.forgetLayer(). */
  forgetLayer(layer: number): void {
    for (const cache of this.caches) cache.forgetLayer(layer);
  }

  get pages(): number {
    return this.caches.reduce((sum, cache) => sum + cache.pages, 0);
  }

  get bytes(): number {
    return this.caches.reduce((sum, cache) => sum + cache.bytes, this.chosen?.bytes ?? 0);
  }

  dispose(): void {
    for (const cache of this.caches) cache.dispose();
    this.chosen?.dispose();
    this.lists.dispose();
  }

  /** One item per KV head and run of the chunk's tokens that see the same pages, with these of every zone. Between append and advanceLayer. */
  zonedItems(layer: number, tokens: number, zones: Zones): AttentionItem[] {
    const { numKvHeads } = this.parts.space.shapes[layer];
    const begin = this.length;
    const lists: number[][] = [];
    const items: AttentionItem[] = [];
    this.choosePages(layer, tokens, zones);
    for (let kvHead = 0; kvHead < numKvHeads; kvHead++)
      for (let firstToken = 0; firstToken < tokens; ) {
        const earliest = begin + firstToken;
        const page = Math.floor(earliest / PAGE_SLOTS);
        const end = this.chosen?.tileEnd(earliest) ?? (page + 1) * PAGE_SLOTS;
        const numTokens = Math.min(tokens - firstToken, end - earliest);
        const queries = { page, earliest, latest: earliest + numTokens - 1 };
        const entries = this.entriesOf(layer, kvHead, zones, queries);
        const own = this.caches[0].ownPage(layer, kvHead, page);
        items.push({ entries: 0, numEntries: entries.length, own, firstToken, numTokens, kvHead, partial: 0 });
        lists.push(entries);
        firstToken += numTokens;
      }
    return this.lists.place(items, lists);
  }

  private choosePages(layer: number, tokens: number, { zones }: Zones): void {
    const { heap, space } = this.parts;
    const { headDim } = space.shapes[layer];
    const zone = zones.findIndex(({ choice }) => choice);
    this.chosen?.read(layer, {
      ...{ begin: this.length, tokens, queries: space.zones.queries[zone - 1] },
      keys: (kvHead, page) => {
        const address = this.caches[zones[zone].store].ownPage(layer, kvHead, page);
        return heap.floats(address + KEYS_OF_PAGE, headDim * PAGE_SLOTS);
      },
    });
  }

  /** Pages that queries from position `earliest` to `latest`, all on `page`, see in each zone. */
  private entriesOf(
    layer: number,
    kvHead: number,
    { zones }: Zones,
    { page, earliest, latest }: { page: number; earliest: number; latest: number },
  ): number[] {
    return zones.flatMap(({ store, nearest, farthest, keyEnd, pages, choice }, z) => {
      let [from, to] = pages?.(page) ?? [0, page];
      if (farthest > 0) from = Math.max(from, Math.floor((earliest - farthest + 1) / PAGE_SLOTS));
      if (keyEnd > 0) to = Math.min(to, Math.ceil(keyEnd / PAGE_SLOTS));
      to = Math.min(to, Math.floor((latest - nearest) / PAGE_SLOTS) + 1);
      const seen = choice && this.chosen ? this.chosen.pages(layer, kvHead, earliest, to) : range(from, to);
      return this.caches[store].entries(layer, kvHead, seen).map((entry) => entry | (z << ZONE_SHIFT));
    });
  }
}

/** Bytes before the keys of an f32 page (kernels/page.ts). */
const KEYS_OF_PAGE = 256;

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
}

/** A layer's shape in a store: full layers keep what the store keeps, local ones have only the first store. */
function shapeIn(shape: LayerShape, { stores }: Zones, store: number): LayerShape {
  if (shape.window > 0) return store === 0 ? shape : { ...shape, numKvHeads: 0 };
  const { window, sinks } = stores[store];
  return { ...shape, window, pinnedPages: Math.ceil(sinks / PAGE_SLOTS) };
}
