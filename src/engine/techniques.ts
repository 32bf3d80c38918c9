/** Techniques from outside: modules that the calling thread and the controller both import, because functions cannot be sent. */
import type { CacheAllocation } from "../context/cache/allocation/allocation.ts";
import { cacheAllocations } from "../context/cache/allocation/registry.ts";
import { cacheScores } from "../context/cache/score/registry.ts";
import type { CacheScore } from "../context/cache/score/score.ts";
import { InputError } from "../runtime/errors.ts";

/** What a module of techniques exports. */
export interface TechniqueModule {
  readonly scores?: readonly CacheScore[];
  readonly allocations?: readonly CacheAllocation[];
}

/** Imports modules (URLs) and adds their techniques to this thread's registries. */
export async function useTechniques(urls: readonly string[] = []): Promise<void> {
  for (const url of urls) {
    const { scores = [], allocations = [] } = (await import(url)) as TechniqueModule;
    if (scores.length + allocations.length === 0)
      throw new InputError(
        `techniques: ${url}: expected an export "scores" or "allocations" with at least one, got none. Export an array of them.`,
        { got: url },
      );
    for (const score of scores) cacheScores.add(score);
    for (const allocation of allocations) cacheAllocations.add(allocation);
  }
}
