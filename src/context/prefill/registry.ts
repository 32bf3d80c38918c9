/** The prefill axis: one line a method. */
import { TechniqueRegistry, techniqueOptions } from "../technique.ts";
import { definePrefill } from "./method.ts";

const full = definePrefill({
  id: "full",
  summary: "every token attends to all before it",
  source: "",
  options: techniqueOptions("full", {}),
  pages: () => undefined,
});

export const prefillMethods = new TechniqueRegistry("prefill", [full]);
