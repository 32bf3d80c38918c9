/** The speculate axis: one line a method. */
import { TechniqueRegistry, techniqueOptions } from "../technique.ts";
import { defineSpeculation } from "./method.ts";
import { promptLookup } from "./prompt-lookup.ts";
import { selfSpeculate } from "./self-speculate.ts";

const none = defineSpeculation({
  id: "none",
  summary: "one token a step",
  source: "",
  options: techniqueOptions("none", {}),
});

export const speculations = new TechniqueRegistry("speculate", [none, promptLookup, selfSpeculate]);
