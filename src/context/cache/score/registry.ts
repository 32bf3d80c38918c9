/** The score axis of the cache: one line a score. `keep-all` is its trivial member and scores nothing. */
import { TechniqueRegistry, techniqueOptions } from "../../technique.ts";
import { random } from "./random.ts";
import { type CacheScore, defineScore } from "./score.ts";

const keepAll = defineScore({
  id: "keep-all",
  summary: "nothing is dropped",
  source: "",
  options: techniqueOptions("keep-all", {}),
  score: () => [],
});

export const cacheScores = new TechniqueRegistry<CacheScore>("cache.score", [
  keepAll,
  random,
] as unknown as CacheScore[]);
