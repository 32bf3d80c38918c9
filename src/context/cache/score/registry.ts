/** The score axis of the cache: one line a score. `keep-all` is its trivial member and scores nothing. */
import { TechniqueRegistry, techniqueOptions } from "../../technique.ts";
import { attentionSum } from "./attention-sum.ts";
import { expectedAttention } from "./expected-attention.ts";
import { keyDiff } from "./key-diff.ts";
import { keyNorm } from "./key-norm.ts";
import { kvzip } from "./kvzip.ts";
import { lagKv } from "./lag-kv.ts";
import { random } from "./random.ts";
import { type CacheScore, defineScore } from "./score.ts";
import { sinkWindow } from "./sink-window.ts";
import { snapkv } from "./snapkv.ts";
import { tova } from "./tova.ts";
import { valueAware } from "./value-aware.ts";

const keepAll = defineScore({
  id: "keep-all",
  summary: "nothing is dropped",
  source: "",
  options: techniqueOptions("keep-all", {}),
  score: () => [],
});

export const cacheScores = new TechniqueRegistry<CacheScore>("cache.score", [
  keepAll,
  sinkWindow,
  keyNorm,
  keyDiff,
  lagKv,
  attentionSum,
  tova,
  snapkv,
  expectedAttention,
  valueAware,
  kvzip,
  random,
] as unknown as CacheScore[]);
