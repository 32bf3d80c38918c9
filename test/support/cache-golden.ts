/** Scores and kept positions of kvpress under test/golden/kvpress: see test/golden/README.md. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { LayerView } from "../../src/context/cache/score/score.ts";
import { plainRotary, tensorView } from "./layer-view.ts";

/** What a class of kvpress kept of one layer at one ratio. */
export interface GoldenKept {
  /** Fraction removed. */
  readonly ratio: number;
  /** [KV heads] of positions, ascending. */
  readonly kept: readonly Int32Array[];
  /** [KV heads] of positions that tie with the cut: any of them may have been chosen. */
  readonly ambiguous: readonly ReadonlySet<number>[];
  /** CriticalKV's scores after both stages, [KV heads] of [n]: Infinity is the first stage. Unless its choice had ties. */
  readonly finalScores?: readonly Float32Array[];
}

export interface GoldenLayer {
  /** What `score()` gave, the inner class's for wrappers: [KV heads] of [n]. Not for StreamingLLM. */
  readonly scores?: readonly Float32Array[];
  readonly ratios: readonly GoldenKept[];
}

/** One class of kvpress with its parameters, by their names in camel case. */
export interface GoldenPress {
  readonly class: string;
  readonly layers: ReadonlyMap<number, GoldenLayer>;
  readonly [parameter: string]: unknown;
}

export interface CacheGolden {
  readonly name: string;
  /** Tokens read. */
  readonly n: number;
  readonly model: GoldenModel;
  /** Layers whose tensors and results are here. */
  readonly layers: readonly number[];
  readonly presses: ReadonlyMap<string, GoldenPress>;
  /** KVzip's second reading, a chunk of the text in a layer each; only of qwen2-random. */
  readonly repeats: readonly GoldenRepeat[];
  /** By its leading dimension: [shape[0]] of all others, flat. */
  tensor(name: string): Float32Array[];
}

export interface GoldenModel {
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly hidden: number;
  readonly ropeBase: number;
}

/** The tokens [start, end) read again after the text: queries [heads] and keys [KV heads] of [tokens][headDim], after RoPE. */
export interface GoldenRepeat {
  readonly layer: number;
  readonly start: number;
  readonly end: number;
  readonly queries: readonly Float32Array[];
  readonly keys: readonly Float32Array[];
}

export const cacheGoldenNames = ["qwen2-random", "qwen2-repeat", "qwen3-random"] as const;

const folder = "test/golden/kvpress";

export function readCacheGolden(name: (typeof cacheGoldenNames)[number]): CacheGolden {
  const json = JSON.parse(readFileSync(`${folder}/${name}.json`, "utf8"));
  const { buffer } = Uint8Array.from(readFileSync(`${folder}/${name}.bin`));
  const tensor = (key: string) => {
    const { shape, offset } = json.tensors[key] as { shape: number[]; offset: number };
    const width = shape.slice(1).reduce((product, size) => product * size, 1);
    return Array.from({ length: shape[0] }, (_, row) => new Float32Array(buffer, offset + row * width * 4, width));
  };
  const keptOf = ([ratio, entry]: [string, { kept: string[]; ambiguous?: number[][]; finalScores?: string }]) => ({
    ratio: Number(ratio),
    kept: entry.kept.map(positionsOf),
    ambiguous: entry.kept.map((_, kvHead) => new Set(entry.ambiguous?.[kvHead])),
    finalScores: entry.finalScores === undefined ? undefined : tensor(entry.finalScores),
  });
  const layersOf = (layers: Record<string, { scores?: string; ratios: Record<string, never> }>) =>
    new Map(
      Object.entries(layers).map(([layer, { scores, ratios }]) => [
        Number(layer),
        { scores: scores === undefined ? undefined : tensor(scores), ratios: Object.entries(ratios).map(keptOf) },
      ]),
    );
  const presses = new Map<string, GoldenPress>();
  for (const [id, press] of Object.entries<{ class: string; layers: never }>(json.presses))
    presses.set(id, { ...press, layers: layersOf(press.layers) });
  const repeats = (
    (json.repeats ?? []) as { queries: string; keys: string; layer: number; start: number; end: number }[]
  ).map((repeat) => ({ ...repeat, queries: tensor(repeat.queries), keys: tensor(repeat.keys) }));
  const layers = [...(presses.get("knorm")?.layers.keys() ?? [])];
  return { name, n: json.n, model: json.model, layers, presses, repeats, tensor };
}

/** The layer as its whole text was read and nothing dropped. */
export function goldenView(
  golden: CacheGolden,
  layer: number,
  { budget, sinks = 4 }: { budget: number; sinks?: number },
): LayerView {
  const { model, n, repeats } = golden;
  const tensor = (name: string) => golden.tensor(`layer${layer}.${name}`);
  const { headDim } = model;
  let reading: Float32Array[] | undefined;
  return tensorView({
    headDim,
    layer,
    numLayers: model.layers,
    numHeads: model.heads,
    length: n,
    budget,
    sinks,
    keys: tensor("keys"),
    values: tensor("values"),
    lastQueries: tensor("queriesLast"),
    queries: tensor("queriesPre"),
    attentionSums: tensor("attentionSums"),
    get secondReading() {
      if (repeats.length > 0) reading ??= secondReading(golden, layer);
      return reading;
    },
    outputWeight: Array.from({ length: model.heads }, (_, head) => columnsOf(tensor("outputWeight"), head, headDim)),
    rotary: plainRotary(headDim, model.ropeBase),
  });
}

/** How many positions of n are kept where `ratio` of them go. */
export function keptAt(n: number, ratio: number): number {
  return Math.max(1, Math.trunc(n * (1 - ratio)));
}

/** Budgets of kvpress: of `keptAt`, and of PyramidKV for every layer. */
export interface BudgetsGolden {
  readonly kept: readonly { n: number; ratio: number; kept: number }[];
  readonly pyramid: readonly {
    n: number;
    layers: number;
    window: number;
    beta: number;
    ratio: number;
    /** [layers] */
    kept: readonly number[];
  }[];
}

export function readBudgetsGolden(): BudgetsGolden {
  return JSON.parse(readFileSync(`${folder}/budgets.json`, "utf8"));
}

/** Fails unless for every KV head the same positions are kept, as many, and the same but for ties at the cut. */
export function assertSameKept(kept: readonly Int32Array[], golden: GoldenKept, where: string): void {
  assert.equal(kept.length, golden.kept.length, `${where}: KV heads`);
  golden.kept.forEach((expected, kvHead) => {
    const clear = (positions: Int32Array) =>
      [...positions].filter((position) => !golden.ambiguous[kvHead].has(position));
    assert.equal(kept[kvHead].length, expected.length, `${where} KV head ${kvHead}: number kept`);
    assert.deepEqual(clear(kept[kvHead]), clear(expected), `${where} KV head ${kvHead}`);
  });
}

/** Largest difference of two scores of a head, relative to the score or, near 0, to the head's median score. */
export function largestDifference(scores: readonly Float32Array[], golden: readonly Float32Array[]): number {
  assert.equal(scores.length, golden.length);
  return golden.reduce((largest, expected, kvHead) => {
    const finite = expected.filter((score) => Number.isFinite(score));
    const median = finite.map(Math.abs).sort()[finite.length >> 1];
    const differences = Array.from(expected, (score, slot) => {
      if (score === scores[kvHead][slot]) return 0;
      const difference = Math.abs(score - scores[kvHead][slot]) / Math.max(Math.abs(score), median);
      return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
    });
    return Math.max(largest, ...differences);
  }, 0);
}

/** Four positions a hexadecimal digit, the first one in its highest bit. */
function positionsOf(digits: string): Int32Array {
  const positions: number[] = [];
  for (let position = 0; position < digits.length * 4; position++)
    if ((Number.parseInt(digits[position >> 2], 16) >> (3 - (position & 3))) & 1) positions.push(position);
  return Int32Array.from(positions);
}

function columnsOf(rows: readonly Float32Array[], head: number, headDim: number): Float32Array {
  const columns = new Float32Array(rows.length * headDim);
  rows.forEach((row, r) => {
    columns.set(row.subarray(head * headDim, (head + 1) * headDim), r * headDim);
  });
  return columns;
}

/**
 * The most that any repeated token's query gives a position of its chunk; softmax over the sinks (from the second chunk on), the
 * chunk's keys and the repeated keys up to the query.
 */
function secondReading(golden: CacheGolden, layer: number): Float32Array[] {
  const { heads, kvHeads, headDim } = golden.model;
  const keys = golden.tensor(`layer${layer}.keys`);
  const most = keys.map(() => new Float32Array(golden.n));
  for (const repeat of golden.repeats.filter((one) => one.layer === layer))
    for (let head = 0; head < heads; head++) {
      const kvHead = Math.floor((head * kvHeads) / heads);
      const sinks = Math.min(4, repeat.start);
      const context = [
        ...Array.from({ length: sinks }, (_, slot) => slot),
        ...Array.from({ length: repeat.end - repeat.start }, (_, slot) => repeat.start + slot),
      ];
      const count = repeat.queries[head].length / headDim;
      for (let q = 0; q < count; q++) {
        const logit = (rows: Float32Array, key: number) => {
          let sum = 0;
          for (let c = 0; c < headDim; c++) sum += repeat.queries[head][q * headDim + c] * rows[key * headDim + c];
          return sum / Math.sqrt(headDim);
        };
        const logits = context.map((slot) => logit(keys[kvHead], slot));
        for (let key = 0; key <= q; key++) logits.push(logit(repeat.keys[kvHead], key));
        const top = Math.max(...logits);
        const total = logits.reduce((sum, one) => sum + Math.exp(one - top), 0);
        for (let c = sinks; c < context.length; c++) {
          const weight = Math.exp(logits[c] - top) / total;
          if (weight > most[kvHead][context[c]]) most[kvHead][context[c]] = weight;
        }
      }
    }
  return most;
}
