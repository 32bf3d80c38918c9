/**
 * attention-sum: score_j = Σ_i a_ij / (n − p_j), the attention that token j has had from every query so far, over the n − p_j
 * queries that could see it; n tokens read, p_j the token's position. H2O (arXiv 2306.14048) in kvpress's form: without the
 * division the first tokens win by having been there longer.
 */
import { techniqueOptions } from "../../technique.ts";
import { defineScore, forEachHead } from "./score.ts";

export const attentionSum = defineScore({
  id: "attention-sum",
  summary: "tokens that queries so far have looked at most",
  source: "arXiv 2306.14048; kvpress ObservedAttentionPress",
  options: techniqueOptions("attention-sum", {}),
  needs: () => ({ attentionSums: true }),
  score: (view) =>
    forEachHead(view, (kvHead) => {
      const positions = view.positions(kvHead);
      return view.attentionSums(kvHead).map((sum, slot) => sum / (view.length - positions[slot]));
    }),
});
