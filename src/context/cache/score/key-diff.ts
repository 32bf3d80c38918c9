/**
 * key-diff: score_j = −cos(k_j, a), a = mean_i(k_i / |k_i|) over the slots of the head. Keys unlike the others stay
 * (KeyDiff, arXiv 2504.15364). The mean is of the normalised keys, so a large key weighs no more than a small one.
 */
import { techniqueOptions } from "../../technique.ts";
import { defineScore, forEachHead } from "./score.ts";
import { norms } from "./vectors.ts";

/** Instead of a norm of 0. */
const least = 1e-12;

export const keyDiff = defineScore({
  id: "key-diff",
  summary: "keys unlike the other keys",
  source: "arXiv 2504.15364; kvpress KeyDiffPress",
  options: techniqueOptions("key-diff", {}),
  score: (view) => forEachHead(view, (kvHead) => unlikeness(view.keys(kvHead), view.headDim)),
});

function unlikeness(keys: Float32Array, headDim: number): Float32Array {
  const lengths = norms(keys, headDim).map((norm) => Math.max(norm, least));
  const anchor = new Float64Array(headDim);
  for (let at = 0; at < keys.length; at++) anchor[at % headDim] += keys[at] / lengths[Math.floor(at / headDim)];
  const anchorLength = Math.max(Math.hypot(...anchor), least);
  return lengths.map((length, slot) => {
    let dot = 0;
    for (let c = 0; c < headDim; c++) dot += keys[slot * headDim + c] * anchor[c];
    return -dot / length / anchorLength;
  });
}
