/**
 * random: score_j = u_j, uniform in [0, 1), the same in every run. The control: a method that does not beat it is not worth
 * its name.
 */
import { techniqueOptions } from "../../technique.ts";
import { defineScore, forEachHead } from "./score.ts";

export const random = defineScore({
  id: "random",
  summary: "the control: any slot may go",
  source: "kvpress RandomPress",
  options: techniqueOptions("random", {}),
  score: (view) => forEachHead(view, (kvHead) => view.random(kvHead)),
});
