/** A cache's layer by its definition: plain tensors, all of them at hand, everything computed in f64. */
import type { LayerView, QueryStatistics, RotaryView } from "../../src/context/cache/score/score.ts";
import { random } from "./random.ts";

/** What a view shows. What was not given throws when it is asked for, so a score cannot read what it did not declare. */
export interface LayerTensors {
  readonly headDim: number;
  /** [KV heads] of [slots][headDim], after RoPE. */
  readonly keys: readonly Float32Array[];
  /** [KV heads] of [slots][headDim] */
  readonly values?: readonly Float32Array[];
  /** [KV heads] of [slots], ascending; 0, 1, 2 … unless given. */
  readonly positions?: readonly Int32Array[];
  /** Number of KV heads unless given. */
  readonly numHeads?: number;
  /** [heads] of [rows][headDim], after RoPE: the queries of the last `rows` tokens. */
  readonly lastQueries?: readonly Float32Array[];
  /** [heads] of [tokens][headDim], before RoPE, from the first token on. */
  readonly queries?: readonly Float32Array[];
  /** [heads] of [slots] */
  readonly attentionSums?: readonly Float32Array[];
  /** [KV heads] of [slots] */
  readonly secondReading?: readonly Float32Array[];
  /** [heads] of [hiddenSize][headDim] */
  readonly outputWeight?: readonly Float32Array[];
  readonly rotary?: RotaryView;
  readonly layer?: number;
  readonly numLayers?: number;
  /** One more than the last position unless given. */
  readonly length?: number;
  /** 4 unless given. */
  readonly sinks?: number;
  /** Half of `length` unless given. */
  readonly budget?: number;
}

export function tensorView(tensors: LayerTensors): LayerView {
  const { headDim, keys } = tensors;
  const numKvHeads = keys.length;
  const numHeads = tensors.numHeads ?? numKvHeads;
  const { layer = 0, numLayers = 1, sinks = 4 } = tensors;
  const positions = tensors.positions ?? keys.map((rows) => Int32Array.from({ length: rows.length / headDim }, index));
  const length = tensors.length ?? 1 + Math.max(-1, ...positions.map((row) => row.at(-1) ?? -1));
  const groupOf = (kvHead: number) => {
    const group = numHeads / numKvHeads;
    return Array.from({ length: group }, (_, member) => kvHead * group + member);
  };
  return {
    layer,
    numLayers,
    numHeads,
    numKvHeads,
    headDim,
    length,
    sinks,
    budget: tensors.budget ?? Math.ceil(length / 2),
    positions: (kvHead) => positions[kvHead],
    keys: (kvHead) => keys[kvHead],
    values: (kvHead) => given("values", tensors.values)[kvHead],
    projected: (kvHead, of, matrix, power) => {
      const vectors = rowsOf(given(of, tensors[of])[kvHead], headDim);
      const rows = rowsOf(matrix, headDim);
      return Float32Array.from(vectors, (x) => sum(rows.map((row) => Math.abs(dot(row, x)) ** power)));
    },
    attention: (kvHead, count) => {
      const slots = rowsOf(keys[kvHead], headDim);
      const queries = groupOf(kvHead).flatMap((head) => {
        const rows = rowsOf(given("lastQueries", tensors.lastQueries)[head], headDim);
        if (rows.length < count) throw new Error(`attention: ${count} queries asked for, ${rows.length} given`);
        return rows.slice(rows.length - count).map((query, row) => ({ query, position: length - count + row }));
      });
      const weights = queries.map(({ query, position }) => {
        const logits = slots.map((key, slot) => {
          return positions[kvHead][slot] <= position ? dot(query, key) / Math.sqrt(headDim) : Number.NEGATIVE_INFINITY;
        });
        return softmax(logits);
      });
      return mean(weights, slots.length);
    },
    attentionSums: (kvHead) => {
      const sums = given("attentionSums", tensors.attentionSums);
      return mean(
        groupOf(kvHead).map((head) => sums[head]),
        positions[kvHead].length,
      );
    },
    secondReading: (kvHead) => given("secondReading", tensors.secondReading)[kvHead],
    queryStatistics: (head) => {
      return statistics(rowsOf(given("queries", tensors.queries)[head], headDim).slice(Math.max(4, sinks)), headDim);
    },
    get rotary() {
      return given("rotary", tensors.rotary);
    },
    outputWeight: (head) => given("outputWeight", tensors.outputWeight)[head],
    random: (kvHead) =>
      Float32Array.from(positions[kvHead], (position) => random(layer * 64 + kvHead + position * 4096)()),
  };
}

/** Rotary embedding of all of headDim, pairs (m, m + headDim / 2). */
export function plainRotary(headDim: number, base: number): RotaryView {
  const inverse = Float64Array.from({ length: headDim / 2 }, (_, m) => base ** ((-2 * m) / headDim));
  return { dimensions: headDim, inverse, attentionFactor: 1, interleaved: false };
}

function index(_: unknown, slot: number): number {
  return slot;
}

function given<T>(name: string, value: T | undefined): T {
  if (value === undefined) throw new Error(`LayerView: no ${name} in this view`);
  return value;
}

function rowsOf(matrix: Float32Array, width: number): Float32Array[] {
  return Array.from({ length: matrix.length / width }, (_, row) => matrix.subarray(row * width, (row + 1) * width));
}

function dot(a: Float32Array, b: Float32Array): number {
  let total = 0;
  for (let c = 0; c < a.length; c++) total += a[c] * b[c];
  return total;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** 0 everywhere where all logits are −∞. */
function softmax(logits: readonly number[]): number[] {
  const most = Math.max(...logits);
  const weights = logits.map((logit) => (logit === Number.NEGATIVE_INFINITY ? 0 : Math.exp(logit - most)));
  const total = sum(weights);
  return weights.map((weight) => (total === 0 ? 0 : weight / total));
}

function mean(rows: readonly ArrayLike<number>[], length: number): Float32Array {
  return Float32Array.from({ length }, (_, column) => sum(rows.map((row) => row[column])) / rows.length);
}

function statistics(queries: readonly Float32Array[], headDim: number): QueryStatistics {
  const count = queries.length;
  const means = Float64Array.from({ length: headDim }, (_, c) => sum(queries.map((query) => query[c])) / count);
  const covariance = new Float64Array(headDim * headDim);
  for (const query of queries)
    for (let a = 0; a < headDim; a++)
      for (let b = 0; b < headDim; b++)
        covariance[a * headDim + b] += ((query[a] - means[a]) * (query[b] - means[b])) / count;
  return { count, mean: means, covariance };
}
