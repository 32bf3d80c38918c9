/** The allocation axis of the cache: one line an allocation. */
import { TechniqueRegistry } from "../../technique.ts";
import { adaptive } from "./adaptive.ts";
import type { CacheAllocation } from "./allocation.ts";
import { global } from "./global.ts";
import { headClass } from "./head-class.ts";
import { pyramid } from "./pyramid.ts";
import { uniform } from "./uniform.ts";

export const cacheAllocations = new TechniqueRegistry<CacheAllocation>("cache.allocation", [
  uniform,
  pyramid,
  adaptive,
  headClass,
  global,
] as unknown as CacheAllocation[]);
