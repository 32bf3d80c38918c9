/** The calling side of a reading by token selection: first all tokens through the lower layers, then those that go on. */
import type { PrefillPlan } from "../context/prefill/plan.ts";
import { selectedTokens } from "../context/select/layout.ts";
import { layerGoneOnFrom, scoringLayers, selectionFor } from "../context/select/registry.ts";
import type { CompleteChoice } from "../context/technique.ts";
import { InputError } from "../runtime/errors.ts";
import { belowPlanOf } from "./below-selection.ts";
import type { ControllerMethods } from "./controller-methods.ts";
import type { Caller } from "./rpc.ts";
import { chunkFor, wholeBlocksFor } from "./shared-prefix.ts";
import type { PrefillOptions } from "./types.ts";

/** What the keys of a layer take of the time of the whole layer, about. */
const KEYS_SHARE = 0.1;

/** How much of a prompt is read where. */
export interface SelectedReading {
  readonly select: CompleteChoice;
  /** Of the whole prompt. */
  readonly tokens: number;
  /** Of these, what the lower layers hold already. */
  readonly held: number;
  /** Tokens that go on. */
  readonly selected: number;
  readonly numLayers: number;
  /** Layers that all tokens go through. Of the next one they have keys, until it is known which go on. */
  readonly lower: number;
  /** The layer that those which go on begin at: the next one, or the first again. */
  readonly upper: number;
}

/**
 * What a plan makes of a prompt of so many tokens, of which a session that awaits its end holds some in its lower layers; none if all of
 * them go through all layers. Throws InputError where what is missing is too short to be the end that asks.
 */
export function selectedReading(
  prefill: PrefillPlan,
  tokens: number,
  numLayers: number,
  held = 0,
): SelectedReading | undefined {
  const { select } = prefill;
  const selection = selectionFor(select, tokens, held);
  if (!select || !selection) return undefined;
  const { steps, layout } = selection;
  const least = belowPlanOf(prefill, numLayers)?.last ?? 1;
  if (held > 0 && tokens - held < least)
    throw new InputError(
      `prefill: expected at least ${least} tokens, which decide what goes on, got ${tokens - held}. Give all that comes behind the ${held} tokens that truncate() left.`,
      { expected: least, got: tokens - held },
    );
  const lower = scoringLayers(steps, numLayers) - 1;
  const upper = layerGoneOnFrom(steps, numLayers);
  return { select, tokens, held, selected: selectedTokens(layout), numLayers, lower, upper };
}

export interface SelectedReadingOptions {
  readonly reading: SelectedReading;
  readonly isSparse: boolean;
  mostTokens(): number;
  /** The lower layers have read a chunk behind `begin` tokens. */
  onRead(chunk: Int32Array, begin: number): Promise<void>;
}

/** Reads a prompt into an empty session, or its end into one that awaits it. If it is broken off, the session is as it was. Gives its length. */
export async function readSelected(
  caller: Caller<ControllerMethods>,
  session: number,
  tokenIds: Int32Array,
  { reading, isSparse, mostTokens, onRead }: SelectedReadingOptions,
  { onProgress, signal }: Pick<PrefillOptions, "onProgress" | "signal">,
): Promise<number> {
  const { select, tokens, held, selected, numLayers, lower, upper } = reading;
  const rest = tokens - held;
  const [below, above] = [lower + KEYS_SHARE, numLayers - upper];
  const work = rest * below + selected * above;
  let done = 0;
  const read = async (of: "all" | "selected", begin: number, end: number, layers: number) => {
    for (let first = begin; first < end; ) {
      signal?.throwIfAborted();
      const left = end - first;
      const count = isSparse ? wholeBlocksFor(left, mostTokens(), first) : chunkFor(left, mostTokens());
      const last = of === "selected" && count === left;
      await caller.call("selectingChunk", { session, of, first, count, last });
      if (of === "all") await onRead(tokenIds.subarray(first - held, first - held + count), first);
      first += count;
      done += count * layers;
      onProgress?.(Math.floor((rest * done) / work), rest);
    }
  };
  let isComplete = false;
  let length = 0;
  await caller.call("beginSelecting", { session, tokenIds, select });
  try {
    await read("all", held, tokens, below);
    await read("selected", 0, selected, above);
    isComplete = true;
  } finally {
    length = await caller.call("endSelecting", { session, isComplete });
  }
  return length;
}
