/** Measures a model: reads texts and sums what `head-class` and stored `expected-attention` want to know beforehand. */
import type { Calibration } from "../context/cache/calibration.ts";
import { retrievalScores } from "../context/cache/retrieval-score.ts";
import { parsePlan } from "../context/plan.ts";
import { InputError } from "../runtime/errors.ts";
import { type Moments, queryStatisticsOf } from "./moments.ts";
import type { Engine, LayerStatistics } from "./types.ts";

export interface CalibrateOptions {
  /** Called after every chunk. */
  onProgress?: (doneTokens: number, totalTokens: number) => void;
  signal?: AbortSignal;
}

/** Of the attention of a layer, over all texts. */
interface LayerTotals extends Omit<Moments, "keys"> {
  readonly headDim: number;
  /** [KV heads]: summed over texts. */
  readonly retrieval: Float64Array;
}

/** The first 4 tokens of a text are not counted. */
const FEWEST_TOKENS = 5;

/**
 * Reads each text, as token ids, in a session of its own. Texts of some 500 tokens are meant, about 50 of them: the retrieval
 * scores depend on the length. Covariances are those of all tokens of all texts.
 */
export async function calibrate(
  engine: Engine,
  texts: readonly Int32Array[],
  { onProgress, signal }: CalibrateOptions = {},
): Promise<Calibration> {
  expectTexts(texts);
  const { numLayers } = engine.model;
  const totals = new Map<number, LayerTotals>();
  const all = texts.reduce((sum, { length }) => sum + length, 0);
  let read = 0;
  for (const text of texts) {
    const session = await engine.session({ plan: parsePlan({ cache: { format: "f32" } }), statistics: true });
    try {
      await session.prefill(text, { signal, onProgress: (done) => onProgress?.(read + done, all) });
      for (let layer = 0; layer < numLayers; layer++) {
        const statistics = await session.statistics(layer);
        if (statistics) totals.set(layer, added(totals.get(layer), statistics, text.length));
      }
    } finally {
      await session.dispose();
    }
    read += text.length;
  }
  const [first] = totals.values();
  if (!first)
    throw new InputError(
      `calibrate: expected a model with full-attention layers, got ${engine.model.name}, whose layers all have a sliding window. No plan drops anything of it, so it needs no calibration.`,
    );
  return calibrationOf(numLayers, first, totals, texts.length);
}

function expectTexts(texts: readonly Int32Array[]): void {
  const shortest = Math.min(...texts.map(({ length }) => length));
  if (texts.length === 0 || shortest < FEWEST_TOKENS)
    throw new InputError(
      `calibrate: expected texts of at least ${FEWEST_TOKENS} tokens, got ${texts.length === 0 ? "no text" : `one of ${shortest}`}. Give longer ones, of about 500.`,
    );
}

function added(totals: LayerTotals | undefined, statistics: LayerStatistics, tokens: number): LayerTotals {
  const { count, queries, keys, products, headDim, rotary } = statistics;
  const mean = (sums: Float64Array) => sums.map((sum) => sum / count);
  const retrieval = retrievalScores({ queries: mean(queries), keys: mean(keys), headDim, tokens, rotary });
  if (!totals) return { count, queries, products, headDim, retrieval };
  add(totals.queries, queries);
  add(totals.products, products);
  add(totals.retrieval, retrieval);
  return { ...totals, count: totals.count + count };
}

function add(into: Float64Array, values: Float64Array): void {
  for (let i = 0; i < into.length; i++) into[i] += values[i];
}

function calibrationOf(
  numLayers: number,
  { count: tokens, queries, retrieval: scores, headDim }: LayerTotals,
  totals: ReadonlyMap<number, LayerTotals>,
  numTexts: number,
): Calibration {
  const numHeads = queries.length / headDim;
  const numKvHeads = scores.length;
  const retrieval = new Float32Array(numLayers * numKvHeads);
  const mean = new Float32Array(numLayers * numHeads * headDim);
  const covariance = new Float32Array(numLayers * numHeads * headDim * headDim);
  for (const [layer, sums] of totals) {
    retrieval.set(
      sums.retrieval.map((sum) => sum / numTexts),
      layer * numKvHeads,
    );
    for (let head = 0; head < numHeads; head++) {
      const at = layer * numHeads + head;
      const statistics = queryStatisticsOf(sums, headDim, head);
      mean.set(statistics.mean, at * headDim);
      covariance.set(statistics.covariance, at * headDim * headDim);
    }
  }
  return { numLayers, numHeads, numKvHeads, headDim, tokens, retrieval, mean, covariance };
}
