/** uniform: every head keeps its `budget` highest scores. Ties go to the earlier position. */
import { techniqueOptions } from "../../technique.ts";
import { defineAllocation } from "./allocation.ts";
import { highest } from "./highest.ts";

export const uniform = defineAllocation({
  id: "uniform",
  summary: "every head keeps the same number",
  source: "",
  options: techniqueOptions("uniform", {}),
  scope: "layer",
  keep: (heads, { budget }) => heads.map(({ scores }) => highest(scores, budget)),
});
