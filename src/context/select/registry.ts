/** Which tokens of a prompt go through all layers: one line a technique. */
import { TechniqueRegistry, techniqueOptions } from "../technique.ts";
import { defineSelection } from "./method.ts";

const all = defineSelection({
  id: "all",
  summary: "every token goes through every layer",
  source: "",
  options: techniqueOptions("all", {}),
});

export const tokenSelections = new TechniqueRegistry("prefill.select", [all]);
