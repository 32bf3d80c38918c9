/**
 * sink-window: score_j = position_j. The latest tokens stay, and with them the sinks, which stay under every score.
 * StreamingLLM (arXiv 2309.17453): attention puts on the first tokens what it has no use for, and breaks without them.
 */
import { techniqueOptions } from "../../technique.ts";
import { defineScore, forEachHead } from "./score.ts";

export const sinkWindow = defineScore({
  id: "sink-window",
  summary: "the first few tokens and the latest",
  source: "arXiv 2309.17453; kvpress StreamingLLMPress",
  options: techniqueOptions("sink-window", {}),
  score: (view) => forEachHead(view, (kvHead) => Float32Array.from(view.positions(kvHead))),
});
