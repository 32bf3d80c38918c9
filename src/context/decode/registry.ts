/** The decode axis: one line a method. */
import { TechniqueRegistry, techniqueOptions } from "../technique.ts";
import { defineDecode } from "./method.ts";
import { pageTopk } from "./page-topk.ts";
import { retrieval } from "./retrieval.ts";

const full = defineDecode({
  id: "full",
  summary: "every new token attends to all before it",
  source: "",
  options: techniqueOptions("full", {}),
  seesAll: () => true,
  choose: () => [],
});

export const decodeMethods = new TechniqueRegistry("decode", [full, pageTopk, retrieval]);
