/**
 * global: all heads of all layers compete for one budget: the lowest scores go, whichever layer and head they are of. For scores
 * that mean the same everywhere, as KVzip's do.
 *
 * Kim et al. 2025, arXiv 2505.23416, section 3.3; kvpress KVzipPress, which truncates the number that goes.
 */
import { techniqueOptions } from "../../technique.ts";
import { highestAcross, totalOf } from "./across-heads.ts";
import { defineAllocation } from "./allocation.ts";

export const global = defineAllocation({
  id: "global",
  summary: "all heads of all layers compete for one budget",
  source: "Kim et al. 2025, arXiv 2505.23416; kvpress KVzipPress",
  options: techniqueOptions("global", {}),
  scope: "model",
  keep: (heads, { budget }) => highestAcross(heads, totalOf(heads, budget)),
});
