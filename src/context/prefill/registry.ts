/** The prefill axis: one line a method. */
import { TechniqueRegistry, techniqueOptions } from "../technique.ts";
import { blockSparse } from "./block-sparse.ts";
import { flex } from "./flex.ts";
import { definePrefill } from "./method.ts";
import { sinkWindow } from "./sink-window.ts";
import { triangle } from "./triangle.ts";
import { verticalSlash } from "./vertical-slash.ts";

const full = definePrefill({
  id: "full",
  summary: "every token attends to all before it",
  source: "",
  options: techniqueOptions("full", {}),
  pages: () => undefined,
});

export const prefillMethods = new TechniqueRegistry("prefill", [
  full,
  sinkWindow,
  triangle,
  verticalSlash,
  flex,
  blockSparse,
]);
