/** What a session holds while it reads: pages and bytes after every chunk. */
import type { Plan } from "../../context/plan.ts";
import type { Engine } from "../../engine/types.ts";
import { PAGE_SLOTS } from "../../ops/attention.ts";

export interface MemoryPoint {
  /** Tokens read so far. */
  readonly tokens: number;
  readonly pages: number;
  readonly cacheBytes: number;
}

export interface MemoryTrace {
  readonly model: string;
  readonly plan: Plan;
  readonly points: readonly MemoryPoint[];
  /** Pages that a cache which drops nothing holds after so many tokens: those of all heads of all layers. */
  readonly fullPages: number;
  readonly seconds: number;
}

export interface TraceOptions {
  readonly plan: Plan;
  readonly tokenIds: Int32Array;
  /** Tokens between two points. */
  readonly step: number;
  readonly signal?: AbortSignal;
  onProgress?(done: number, total: number): void;
}

export async function memoryTrace(engine: Engine, options: TraceOptions): Promise<MemoryTrace> {
  const { plan, tokenIds, step, signal, onProgress } = options;
  const session = await engine.session({ plan });
  const points: MemoryPoint[] = [];
  const start = performance.now();
  try {
    // Pieces are calls of their own, so that a plan that drops after a prefill would do so at each: trace those that stream.
    for (let first = 0; first < tokenIds.length; first += step) {
      await session.prefill(tokenIds.subarray(first, first + step), { signal });
      points.push({ tokens: session.length, ...(await session.memory()) });
      onProgress?.(session.length, tokenIds.length);
    }
    const seconds = (performance.now() - start) / 1000;
    // Heads with a sliding window hold what they hold under any plan.
    const fullPages = (await session.kept()).reduce((pages, { drops, positions }) => {
      return pages + Math.floor((drops ? tokenIds.length : positions.length) / PAGE_SLOTS) + 1;
    }, 0);
    return { model: engine.model.name, plan, points, fullPages, seconds };
  } finally {
    await session.dispose();
  }
}

/** The most that was held at any point. */
export function mostOf({ points }: MemoryTrace): { readonly mostPages: number; readonly mostBytes: number } {
  return {
    mostPages: Math.max(...points.map(({ pages }) => pages)),
    mostBytes: Math.max(...points.map(({ cacheBytes }) => cacheBytes)),
  };
}
