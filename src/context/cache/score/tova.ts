/**
 * tova: score_j = mean over all heads of a_nj, the last query's attention; the last token itself always stays. One score for a
 * position in the whole layer (TOVA, arXiv 2401.06104). Where KV heads have kept different slots before, the mean is over the
 * heads that still have the position.
 */
import { techniqueOptions } from "../../technique.ts";
import { raiseForced } from "./forced.ts";
import { defineScore, forEachHead } from "./score.ts";

export const tova = defineScore({
  id: "tova",
  summary: "tokens that the last query looks at, alike for all heads",
  source: "arXiv 2401.06104; kvpress TOVAPress",
  options: techniqueOptions("tova", {}),
  needs: () => ({ queries: 1 }),
  score: (view) => {
    const sums = new Float64Array(view.length);
    const heads = new Uint32Array(view.length);
    for (let kvHead = 0; kvHead < view.numKvHeads; kvHead++) {
      const positions = view.positions(kvHead);
      view.attention(kvHead, 1).forEach((weight, slot) => {
        sums[positions[slot]] += weight;
        heads[positions[slot]]++;
      });
    }
    const scores = forEachHead(view, (kvHead) => {
      return Float32Array.from(view.positions(kvHead), (position) => sums[position] / heads[position]);
    });
    return raiseForced(scores, (kvHead, slot) => view.positions(kvHead)[slot] === view.length - 1);
  },
});
