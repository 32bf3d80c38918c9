/**
 * What is measured of a model once, from ordinary texts, and kept: how far back its heads look (allocation `head-class`), and
 * how its queries before RoPE are distributed (score `expected-attention` with mode "stored").
 *
 * As bytes: "LSCB", u32 version, u32 checksum of all that follows, u32 length of a JSON header, the header, and the three arrays.
 */
import { InputError } from "../../runtime/errors.ts";
import { cacheAllocations } from "./allocation/registry.ts";
import { type CachePlan, droppingOf } from "./plan.ts";
import { cacheScores } from "./score/registry.ts";
import type { QueryStatistics } from "./score/score.ts";

export interface CalibrationShape {
  readonly numLayers: number;
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly headDim: number;
}

/** Layers with a sliding window have zeros. */
export interface Calibration extends CalibrationShape {
  /** Queries of each head that were counted. */
  readonly tokens: number;
  /** f32 [layers][KV heads]: 0 for heads that look at what is near, 1 for those that look at the beginning. */
  readonly retrieval: Float32Array;
  /** f32 [layers][heads][headDim], before RoPE. */
  readonly mean: Float32Array;
  /** f32 [layers][heads][headDim][headDim], divided by `tokens`. */
  readonly covariance: Float32Array;
}

/** A calibration as scores and allocations read it. */
export interface StoredStatistics {
  queryStatistics(layer: number, head: number): QueryStatistics;
  retrieval(layer: number, kvHead: number): number;
}

const MAGIC = 0x4243534c; // "LSCB"
const VERSION = 1;
/** Bytes before the header. */
const START = 16;
/** Share of a variance that is added to it: rounding to f32 may have made the covariance indefinite. */
const ROUNDING = 1e-6;

/** Whether a plan cannot do without a calibration. */
export function needsCalibration(cache: CachePlan): boolean {
  const dropping = droppingOf(cache);
  if (!dropping) return false;
  const { technique, options } = cacheScores.chosen(dropping.score);
  const { technique: allocation } = cacheAllocations.chosen(dropping.allocation);
  return technique.needs?.(options).calibration === true || allocation.needsCalibration === true;
}

/** Throws InputError where a calibration was made for a model of another shape. */
export function expectCalibrationFits(calibration: CalibrationShape, model: CalibrationShape & { name: string }): void {
  const [got, expected] = [calibration, model].map(
    ({ numLayers, numHeads, numKvHeads, headDim }) =>
      `${numLayers} layers of ${numHeads} query heads and ${numKvHeads} KV heads with ${headDim} dimensions`,
  );
  if (got !== expected)
    throw new InputError(
      `calibration: expected ${expected}, as ${model.name} has, got ${got}. Run \`longspan models calibrate NAME\`.`,
      { expected, got },
    );
}

export function storedStatistics({ numHeads, numKvHeads, headDim, ...calibration }: Calibration): StoredStatistics {
  const { tokens, retrieval, mean, covariance } = calibration;
  const slice = (values: Float32Array, size: number, layer: number, head: number) => {
    const at = (layer * numHeads + head) * size;
    return Float64Array.from(values.subarray(at, at + size));
  };
  return {
    queryStatistics(layer, head) {
      const square = slice(covariance, headDim * headDim, layer, head);
      for (let c = 0; c < headDim; c++) square[c * (headDim + 1)] *= 1 + ROUNDING;
      return { count: tokens, mean: slice(mean, headDim, layer, head), covariance: square };
    },
    retrieval: (layer, kvHead) => retrieval[layer * numKvHeads + kvHead],
  };
}

export function encodeCalibration(calibration: Calibration): Uint8Array<ArrayBuffer> {
  const { numLayers, numHeads, numKvHeads, headDim, tokens, retrieval, mean, covariance } = calibration;
  const json = JSON.stringify({ numLayers, numHeads, numKvHeads, headDim, tokens });
  const header = new TextEncoder().encode(json.padEnd(Math.ceil(json.length / 4) * 4));
  const arrays = [retrieval, mean, covariance];
  const bytes = new Uint8Array(START + header.length + arrays.reduce((sum, { byteLength }) => sum + byteLength, 0));
  bytes.set(header, START);
  let at = START + header.length;
  for (const { buffer, byteOffset, byteLength } of arrays) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  const words = new Uint32Array(bytes.buffer);
  words.set([MAGIC, VERSION, 0, header.length]);
  words[2] = checksum(words.subarray(3));
  return bytes;
}

/** Throws InputError if these are not the bytes of a calibration, or not all of them as they were. `where`: the file. */
export function decodeCalibration(bytes: Uint8Array, where: string): Calibration {
  const expect = (isSo: boolean, expected: string, got: string) => {
    if (!isSo)
      throw new InputError(
        `${where}: expected ${expected}, got ${got}. Run \`longspan models calibrate NAME\` once more.`,
      );
  };
  // A copy, which begins where arrays of f32 may begin.
  const { buffer } = new Uint8Array(bytes.subarray(0, bytes.length & ~3));
  const words = new Uint32Array(buffer);
  expect(words.length >= START / 4 && words[0] === MAGIC, "a calibration", "another kind of file");
  expect(words[1] === VERSION, `a calibration of version ${VERSION}`, `version ${words[1]}`);
  const isWhole = bytes.length === buffer.byteLength && words[2] === checksum(words.subarray(3));
  expect(isWhole, "the bytes that were written", "others: the file is damaged");
  const begin = START + words[3];
  const header: Omit<Calibration, "retrieval" | "mean" | "covariance"> = JSON.parse(
    new TextDecoder().decode(bytes.subarray(START, begin)),
  );
  const { numLayers, numHeads, numKvHeads, headDim } = header;
  const sizes = [numKvHeads, numHeads * headDim, numHeads * headDim * headDim].map((size) => numLayers * size);
  let at = begin;
  const [retrieval, mean, covariance] = sizes.map((size) => {
    const values = new Float32Array(buffer, at, size);
    at += values.byteLength;
    return values;
  });
  return { ...header, retrieval, mean, covariance };
}

/** FNV-1a over words: one that is changed is always noticed. */
function checksum(words: Uint32Array): number {
  let sum = 0x811c9dc5;
  for (const word of words) sum = Math.imul(sum ^ word, 0x01000193);
  return sum >>> 0;
}
