/** The calling side of a reading by token selection: first all tokens through the lower layers, then those that go on. */
import type { PrefillPlan } from "../context/prefill/plan.ts";
import { selectedTokens } from "../context/select/layout.ts";
import { scoringLayers, selectionFor } from "../context/select/registry.ts";
import type { CompleteChoice } from "../context/technique.ts";
import type { ControllerMethods } from "./controller-methods.ts";
import type { Caller } from "./rpc.ts";
import { chunkFor, wholeBlocksFor } from "./shared-prefix.ts";
import type { PrefillOptions } from "./types.ts";

/** How much of a prompt is read where. */
export interface SelectedReading {
  readonly select: CompleteChoice;
  readonly tokens: number;
  /** Tokens that go on. */
  readonly selected: number;
  readonly numLayers: number;
  /** Layers that all tokens go through. */
  readonly lower: number;
  /** Whether those that go on begin at the first layer again. */
  readonly isRepeated: boolean;
}

/** What a plan makes of a prompt of so many tokens; none if all of them go through all layers. */
export function selectedReading(
  { select }: PrefillPlan,
  tokens: number,
  numLayers: number,
): SelectedReading | undefined {
  const selection = selectionFor(select, tokens);
  if (!select || !selection) return undefined;
  const { steps, layout } = selection;
  const lower = scoringLayers(steps, numLayers);
  const isRepeated = steps.from === "beginning";
  return { select, tokens, selected: selectedTokens(layout), numLayers, lower, isRepeated };
}

/** Reads a prompt into an empty session. If it is broken off, the session is empty again. */
export async function readSelected(
  caller: Caller<ControllerMethods>,
  session: number,
  tokenIds: Int32Array,
  { reading, isSparse, mostTokens }: { reading: SelectedReading; isSparse: boolean; mostTokens(): number },
  { onProgress, signal }: Pick<PrefillOptions, "onProgress" | "signal">,
): Promise<void> {
  const { select, tokens, selected, numLayers, lower, isRepeated } = reading;
  const upper = isRepeated ? numLayers : numLayers - lower;
  const work = tokens * lower + selected * upper;
  let done = 0;
  const read = async (of: "all" | "selected", total: number, layers: number) => {
    for (let first = 0; first < total; ) {
      signal?.throwIfAborted();
      const rest = total - first;
      const count = isSparse ? wholeBlocksFor(rest, mostTokens(), first) : chunkFor(rest, mostTokens());
      const last = of === "selected" && count === rest;
      await caller.call("selectingChunk", { session, of, first, count, last });
      first += count;
      done += count * layers;
      onProgress?.(Math.floor((tokens * done) / work), tokens);
    }
  };
  let isComplete = false;
  await caller.call("beginSelecting", { session, tokenIds, select });
  try {
    await read("all", tokens, lower);
    await read("selected", selected, upper);
    isComplete = true;
  } finally {
    await caller.call("endSelecting", { session, isComplete });
  }
}
