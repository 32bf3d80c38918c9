/**
 * lag-kv: slots after the sinks in partitions of `lag`; partition p is measured against p + 1. For keys and for values
 * x̃ = (x − min) / (max − min) by channel, with the minimum and maximum of p + 1; s = softmax over p of the deviation of x̃ over
 * channels; score = rank of (s_keys + s_values) / 2 in p, over lag. No attention is needed (LagKV, arXiv 2504.04704).
 * Sinks, the last whole partition and what follows it score 1, above every rank. With less than two partitions the latest stay.
 */
import { z } from "zod";
import { techniqueOptions } from "../../technique.ts";
import { defineScore, forEachHead } from "./score.ts";
import { slotsBelow } from "./slots.ts";

export const lagKv = defineScore({
  id: "lag-kv",
  summary: "keys and values that vary most against those that follow",
  source: "arXiv 2504.04704; kvpress LagKVPress",
  options: techniqueOptions("lag-kv", {
    lag: z.number().int().min(2).max(65536).default(128),
  }),
  score: (view, { lag }) =>
    forEachHead(view, (kvHead) => {
      const positions = view.positions(kvHead);
      const sinks = slotsBelow(positions, view.sinks);
      const rest = positions.length - sinks;
      const scores = new Float32Array(positions.length).fill(1);
      if (rest < 2 * lag) {
        for (let slot = 0; slot < rest; slot++) scores[sinks + slot] = slot / rest;
        return scores;
      }
      const [keys, values] = [view.keys(kvHead), view.values(kvHead)];
      for (let first = sinks; first + 2 * lag <= positions.length; first += lag) {
        const ofKeys = variation(keys, first, lag, view.headDim);
        const ofValues = variation(values, first, lag, view.headDim);
        const rank = ranks(ofKeys.map((share, slot) => share + ofValues[slot]));
        for (let slot = 0; slot < lag; slot++) scores[first + slot] = rank[slot] / lag;
      }
      return scores;
    }),
});

/** [lag]: softmax of the deviation over channels of slots [first, first + lag), scaled by the range of the lag that follows. */
function variation(vectors: Float32Array, first: number, lag: number, headDim: number): Float64Array {
  const low = new Float64Array(headDim).fill(Number.POSITIVE_INFINITY);
  const high = new Float64Array(headDim).fill(Number.NEGATIVE_INFINITY);
  for (let at = (first + lag) * headDim; at < (first + 2 * lag) * headDim; at++) {
    low[at % headDim] = Math.min(low[at % headDim], vectors[at]);
    high[at % headDim] = Math.max(high[at % headDim], vectors[at]);
  }
  const scaled = new Float64Array(headDim);
  const deviations = Float64Array.from({ length: lag }, (_, slot) => {
    let sum = 0;
    for (let c = 0; c < headDim; c++) {
      // A channel that does not vary gives no scale.
      scaled[c] = high[c] > low[c] ? (vectors[(first + slot) * headDim + c] - low[c]) / (high[c] - low[c]) : 0;
      sum += scaled[c];
    }
    let squares = 0;
    for (let c = 0; c < headDim; c++) squares += (scaled[c] - sum / headDim) ** 2;
    return Math.sqrt(squares / (headDim - 1));
  });
  const most = deviations.reduce((a, b) => Math.max(a, b));
  const weights = deviations.map((deviation) => Math.exp(deviation - most));
  const total = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / total);
}

/** 0 for the lowest; of equal ones the earlier has the lower rank. */
function ranks(values: Float64Array): Int32Array {
  const order = Int32Array.from(values, (_, slot) => slot).sort((a, b) => values[a] - values[b] || a - b);
  const rank = new Int32Array(values.length);
  order.forEach((slot, at) => {
    rank[slot] = at;
  });
  return rank;
}
