/** The calling side of reading layer by layer: every chunk of a prompt goes through one layer before any goes through the next. */
import type { Dropping } from "../context/cache/plan.ts";
import type { ControllerMethods } from "./controller-methods.ts";
import type { Caller } from "./rpc.ts";
import { wholeBlocksFor } from "./shared-prefix.ts";
import type { PrefillOptions } from "./types.ts";

export interface ReadByLayers {
  readonly tokenIds: Int32Array;
  readonly numLayers: number;
  /** Most tokens of a chunk. */
  readonly chunk: number;
  /** Whether chunks end where blocks do. */
  readonly isSparse: boolean;
  /** What every layer drops when it is done. */
  readonly dropping?: Dropping;
  readonly targets?: Int32Array;
}

/** Reads a prompt into an empty session. If it is broken off, the session is empty again. */
export async function readByLayers(
  caller: Caller<ControllerMethods>,
  session: number,
  { tokenIds, numLayers, chunk, isSparse, dropping, targets }: ReadByLayers,
  { onProgress, signal, onLogProbs }: Pick<PrefillOptions, "onProgress" | "signal" | "onLogProbs">,
): Promise<void> {
  const tokens = tokenIds.length;
  let isComplete = false;
  await caller.call("beginLayers", { session, tokenIds });
  try {
    for (let layer = 0; layer < numLayers; layer++)
      for (let first = 0, count = 0; first < tokens; first += count) {
        signal?.throwIfAborted();
        const rest = tokens - first;
        count = isSparse ? wholeBlocksFor(rest, chunk, first) : Math.min(chunk, rest);
        const last = layer === numLayers - 1;
        const ends = first + count === tokens;
        const { logProbs } = await caller.call("layerChunk", {
          ...{ session, layer, first, count },
          ...(ends && dropping && { dropping }),
          last: last && ends,
          ...(last && targets && { targets: targets.slice(first, first + count) }),
        });
        if (logProbs) onLogProbs?.(logProbs, first);
        onProgress?.(Math.floor((tokens * layer + first + count) / numLayers), tokens);
      }
    isComplete = true;
  } finally {
    await caller.call("endLayers", { session, isComplete });
  }
}
