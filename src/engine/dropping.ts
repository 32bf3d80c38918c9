/**
 * Dropping slots by a plan: scores of every layer, forced slots, the allocation's choice, then pages are moved. Layers with a
 * sliding window are left alone.
 */
import type { HeadScores } from "../context/cache/allocation/allocation.ts";
import { cacheAllocations } from "../context/cache/allocation/registry.ts";
import type { StoredStatistics } from "../context/cache/calibration.ts";
import { mergeDropped } from "../context/cache/merging.ts";
import type { Dropping } from "../context/cache/plan.ts";
import { cacheScores } from "../context/cache/score/registry.ts";
import type { RotaryView } from "../context/cache/score/score.ts";
import { PAGE_SLOTS } from "../ops/attention.ts";
import type { SharedHeap } from "../runtime/memory.ts";
import type { Team } from "../runtime/team.ts";
import { keepSlots } from "./compaction.ts";
import type { KvCache } from "./kv-cache.ts";
import type { LayerShape } from "./layer-shapes.ts";
import { EngineLayerView } from "./layer-view.ts";
import type { Observations } from "./observations.ts";
import type { PagePool } from "./page-pool.ts";

export interface DroppingParts {
  readonly team: Team;
  readonly heap: SharedHeap;
  readonly pool: PagePool;
  readonly cache: KvCache;
  readonly shapes: readonly LayerShape[];
  readonly observations?: Observations;
  readonly stored?: StoredStatistics;
  rotary(layer: number): RotaryView;
  outputColumns(layer: number): Float32Array;
  readonly itemSpace: number;
  /** Scores by what made them, of the cache as it stands. */
  readonly scores: Map<string, Float32Array[]>;
}

/** When pages are joined: at once where they are dropped once, else when less than half of a page is left. */
const FEWEST = { once: PAGE_SLOTS, repeatedly: PAGE_SLOTS / 2 };

/** Drops what exceeds the budget, of the given layers (default: of all). Does nothing where all fits. */
export function dropSlots(
  parts: DroppingParts,
  dropping: Dropping,
  { once = true, only }: { once?: boolean; only?: number } = {},
): void {
  const { technique: allocation } = cacheAllocations.chosen(dropping.allocation);
  const layers = parts.shapes.flatMap(({ window }, layer) => (window === 0 ? [layer] : []));
  const wanted = only === undefined ? layers : layers.filter((layer) => layer === only);
  const groups = allocation.scope === "model" ? [wanted] : wanted.map((layer) => [layer]);
  for (const group of groups) dropGroup(parts, dropping, { once, group, layers });
}

function dropGroup(
  parts: DroppingParts,
  dropping: Dropping,
  { once, group, layers }: { once: boolean; group: readonly number[]; layers: readonly number[] },
): void {
  const { technique: allocation, options } = cacheAllocations.chosen(dropping.allocation);
  const { budget } = dropping;
  const views = group.map((layer) => viewOf(parts, dropping, layer, layers.length));
  const numHeads = views.reduce((sum, { slots }) => sum + slots.length, 0);
  const total = views.reduce((sum, { slots }) => slots.reduce((all, { positions }) => all + positions.length, sum), 0);
  if (total > budget * numHeads) {
    const heads = views.flatMap((view) => headScores(parts, dropping, view, layers.indexOf(view.layer)));
    const { length } = parts.cache;
    const kept = allocation.keep(heads, { budget, numLayers: layers.length, length }, options);
    let h = 0;
    for (const view of views)
      for (let kvHead = 0; kvHead < view.numKvHeads; kvHead++)
        keepInHead(parts, dropping, view, kvHead, kept[h++], once);
  }
  for (const view of views) view.dispose();
}

function viewOf(
  parts: DroppingParts,
  { score, sinks, budget }: Dropping,
  layer: number,
  numLayers: number,
): EngineLayerView {
  const { technique, options } = cacheScores.chosen(score);
  return new EngineLayerView({
    ...parts,
    stored: technique.needs?.(options).calibration ? parts.stored : undefined,
    layer,
    numLayers,
    sinks,
    budget,
    shape: parts.shapes[layer],
    rotary: parts.rotary(layer),
  });
}

function headScores(parts: DroppingParts, dropping: Dropping, view: EngineLayerView, layer: number): HeadScores[] {
  const { sinks, window } = dropping;
  const { needsCalibration } = cacheAllocations.chosen(dropping.allocation).technique;
  return scoresOf(parts, dropping, view).map((scores, kvHead) => {
    const positions = view.positions(kvHead);
    const forced = scores.map((score, slot) =>
      positions[slot] < sinks || positions[slot] >= view.length - window ? Number.POSITIVE_INFINITY : score,
    );
    const retrieval = needsCalibration ? parts.stored?.retrieval(view.layer, kvHead) : undefined;
    return { layer, kvHead, scores: forced, positions, ...(retrieval !== undefined && { retrieval }) };
  });
}

function scoresOf({ scores }: DroppingParts, dropping: Dropping, view: EngineLayerView): Float32Array[] {
  const key = JSON.stringify([view.layer, dropping.score, dropping.sinks]);
  const withBudget = `${key} ${dropping.budget}`;
  const known = scores.get(key) ?? scores.get(withBudget);
  if (known) return known;
  const { technique, options } = cacheScores.chosen(dropping.score);
  const result = technique.score(view, options);
  scores.set(view.usedBudget ? withBudget : key, result);
  return result;
}

function keepInHead(
  parts: DroppingParts,
  { merge }: Dropping,
  view: EngineLayerView,
  kvHead: number,
  kept: Int32Array,
  once: boolean,
): void {
  const slots = view.slots[kvHead];
  if (kept.length === slots.positions.length) return;
  const { layer, headDim } = view;
  const values = merge && mergeDropped({ keys: view.keys(kvHead), values: view.values(kvHead), headDim, kept });
  const compaction = { ...parts, shape: parts.shapes[layer], layer, kvHead };
  keepSlots(compaction, slots, kept, { fewest: once ? FEWEST.once : FEWEST.repeatedly, ...(values && { values }) });
}
