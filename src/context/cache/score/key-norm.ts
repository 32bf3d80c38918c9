/** key-norm: score_j = −|k_j|. Keys of small norm are those that attention goes to (arXiv 2406.11430). */
import { techniqueOptions } from "../../technique.ts";
import { defineScore, forEachHead } from "./score.ts";
import { norms } from "./vectors.ts";

export const keyNorm = defineScore({
  id: "key-norm",
  summary: "keys of small norm",
  source: "arXiv 2406.11430; kvpress KnormPress",
  options: techniqueOptions("key-norm", {}),
  score: (view) => forEachHead(view, (kvHead) => norms(view.keys(kvHead), view.headDim).map((norm) => -norm)),
});
