/** What the model itself says of a sampled token: log probabilities before penalties, bias, constraint and temperature. */
import { logSumExp } from "./logits.ts";
import type { TokenLogProb } from "./types.ts";

export interface Sampled {
  readonly tokenId: number;
  readonly logProb?: number;
  readonly top?: readonly TokenLogProb[];
}

/** With its log probability and the `count` likeliest tokens, in falling order; of equals the lower id first. */
export function withLogProbs(logits: Float32Array, tokenId: number, count: number): Sampled {
  const total = logSumExp(logits);
  const logProbOf = (id: number) => logits[id] - total;
  const top = likeliest(logits, count).map((id) => ({ tokenId: id, logProb: logProbOf(id) }));
  return { tokenId, logProb: logProbOf(tokenId), top };
}

function likeliest(logits: Float32Array, count: number): number[] {
  const ids: number[] = [];
  for (let id = 0; id < logits.length; id++) {
    if (ids.length === count && (count === 0 || logits[id] <= logits[ids[count - 1]])) continue;
    let at = ids.length;
    while (at > 0 && logits[ids[at - 1]] < logits[id]) at--;
    ids.splice(at, 0, id);
    if (ids.length > count) ids.pop();
  }
  return ids;
}
