/** The allocation axis of the cache: one line an allocation. */
import { TechniqueRegistry } from "../../technique.ts";
import type { CacheAllocation } from "./allocation.ts";
import { uniform } from "./uniform.ts";

export const cacheAllocations = new TechniqueRegistry<CacheAllocation>("cache.allocation", [
  uniform,
] as unknown as CacheAllocation[]);
