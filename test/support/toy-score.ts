/** A score as somebody else would write it: it knows nothing of this repository but the package's public names. */
import { defineScore, forEachHead, techniqueOptions } from "longspan";

/** Keeps every other token first: even positions before odd ones. */
export const scores = [
  defineScore({
    id: "toy-even",
    summary: "even positions before odd ones",
    source: "nobody",
    options: techniqueOptions("toy-even", {}),
    score: (view) => forEachHead(view, (kvHead) => Float32Array.from(view.positions(kvHead), (at) => 1 - (at % 2))),
  }),
];
