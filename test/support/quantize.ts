/**
 * Makes tensor bytes for tests. `quantize` rounds numbers to the nearest value of a type whose blocks have at most 32
 * elements; `randomBlocks` makes valid blocks of a K type directly: the tensor is then whatever they dequantise to.
 * Layouts: src/formats/quant/. Neither searches for the best scales, as a real quantiser would.
 */
import { f16ToF32, f32ToF16 } from "../../src/formats/half.ts";
import { tensorTypes } from "../../src/formats/tensor-types.ts";
import { random } from "./random.ts";

/** `values` fill exactly one block, or a whole tensor of a float type. */
type Encode = (values: Float32Array, block: DataView) => void;

export function quantize(typeName: string, values: Float32Array): Uint8Array {
  const { blockLength, blockBytes } = tensorTypes.find(({ name }) => name === typeName)!;
  const bytes = new Uint8Array((values.length / blockLength) * blockBytes);
  const run = blockLength === 1 ? values.length : blockLength;
  const runBytes = (run / blockLength) * blockBytes;
  for (let i = 0; i * run < values.length; i++)
    encoders[typeName](values.subarray(i * run, (i + 1) * run), new DataView(bytes.buffer, i * runBytes, runBytes));
  return bytes;
}

const encoders: Readonly<Record<string, Encode>> = {
  F32: (values, block) => {
    for (let i = 0; i < values.length; i++) block.setFloat32(4 * i, values[i], true);
  },
  F16: (values, block) => {
    for (let i = 0; i < values.length; i++) block.setUint16(2 * i, f32ToF16(values[i]), true);
  },
  // Cuts the lower half off instead of rounding; good enough for a test's weights.
  BF16: (values, block) => {
    const bits = new Uint32Array(values.slice().buffer);
    for (let i = 0; i < values.length; i++) block.setUint16(2 * i, bits[i] >>> 16, true);
  },
  Q8_0: (values, block) => {
    const d = setScale(block, 0, largest(values) / 127);
    for (let i = 0; i < 32; i++) block.setInt8(2 + i, steps(values[i], d, -127, 127));
  },
  Q4_0: (values, block) => {
    const d = setScale(block, 0, largest(values) / 7);
    setNibbles(
      block,
      2,
      values.map((value) => steps(value, d, -8, 7) + 8),
    );
  },
  Q4_1: (values, block) => {
    const { d, m } = setRange(block, values, 15);
    setNibbles(
      block,
      4,
      values.map((value) => steps(value - m, d, 0, 15)),
    );
  },
  Q5_0: (values, block) => {
    const d = setScale(block, 0, largest(values) / 15);
    setFiveBits(
      block,
      2,
      values.map((value) => steps(value, d, -16, 15) + 16),
    );
  },
  Q5_1: (values, block) => {
    const { d, m } = setRange(block, values, 31);
    setFiveBits(
      block,
      4,
      values.map((value) => steps(value - m, d, 0, 31)),
    );
  },
};

/** Stores a scale as f16 and gives what was stored, so that quants are rounded against the scale they will meet. */
function setScale(block: DataView, at: number, scale: number): number {
  const bits = f32ToF16(scale);
  block.setUint16(at, bits, true);
  return f16ToF32(bits);
}

function setRange(block: DataView, values: Float32Array, levels: number): { d: number; m: number } {
  const m = Math.min(...values);
  const d = (Math.max(...values) - m) / levels;
  return { d: setScale(block, 0, d), m: setScale(block, 2, m) };
}

function steps(value: number, d: number, lowest: number, highest: number): number {
  return d === 0 ? 0 : Math.min(highest, Math.max(lowest, Math.round(value / d)));
}

function largest(values: Float32Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

function setNibbles(block: DataView, at: number, quants: Float32Array): void {
  for (let i = 0; i < 16; i++) block.setUint8(at + i, (quants[i] & 15) | ((quants[i + 16] & 15) << 4));
}

function setFiveBits(block: DataView, at: number, quants: Float32Array): void {
  block.setUint32(at, quants.reduce((bits, quant, i) => bits | ((quant >> 4) << i), 0) >>> 0, true);
  setNibbles(block, at + 4, quants);
}

/**
 * Blocks of a K type with random quants, group scales in the upper half of their range, and super-block scales such that
 * values have mean 0 and about the wanted deviation. Uniform quants of n levels have a deviation of sqrt((n² - 1) / 12).
 */
export function randomBlocks(typeName: string, numBlocks: number, deviation: number, seed: number): Uint8Array {
  const { blockBytes } = tensorTypes.find(({ name }) => name === typeName)!;
  const next = random(seed);
  const whole = (least: number, most: number) => least + Math.floor(next() * (most - least + 1));
  const blocks = Uint8Array.from({ length: numBlocks * blockBytes }, () => whole(0, 255));
  for (let i = 0; i < numBlocks; i++)
    setKScales[typeName](new DataView(blocks.buffer, i * blockBytes, blockBytes), deviation, whole);
  return blocks;
}

type Whole = (least: number, most: number) => number;

const setKScales: Readonly<Record<string, (block: DataView, deviation: number, whole: Whole) => void>> = {
  Q2_K: (block, deviation, whole) => {
    // A minimum equal to its scale, with dmin = d · (mean quant), centres the values.
    for (let group = 0; group < 16; group++) {
      const scale = whole(8, 15);
      block.setUint8(group, scale | (scale << 4));
    }
    const d = setScale(block, 80, deviation / (11.7 * 1.118));
    setScale(block, 82, d * 1.5);
  },
  Q3_K: (block, deviation, whole) => {
    // 6-bit scales minus 32, of either sign: nibbles in bytes 0 to 7, upper bits (0 or 3, so that |scale| >= 16) after them.
    for (let i = 0; i < 4; i++)
      block.setUint8(
        104 + i,
        [0, 2, 4, 6].reduce((bits, shift) => bits | ((whole(0, 1) * 3) << shift), 0),
      );
    setScale(block, 108, deviation / (24.2 * 2.35));
  },
  Q4_K: (block, deviation, whole) => setSixBitScales(block, whole, deviation / (48.5 * 4.61), 7.5),
  Q5_K: (block, deviation, whole) => setSixBitScales(block, whole, deviation / (48.5 * 9.23), 15.5),
  Q6_K: (block, deviation, whole) => {
    for (let group = 0; group < 16; group++) block.setInt8(192 + group, whole(64, 127) * (whole(0, 1) ? 1 : -1));
    setScale(block, 208, deviation / (97.3 * 18.5));
  },
};

/** Scales 32 to 63 and minimums equal to them, packed as in k-types.ts. */
function setSixBitScales(block: DataView, whole: Whole, scale: number, meanQuant: number): void {
  const d = setScale(block, 0, scale);
  setScale(block, 2, d * meanQuant);
  for (let lane = 0; lane < 4; lane++) {
    const first = whole(32, 63);
    const second = whole(32, 63);
    const upper = (second >> 4) << 6;
    block.setUint8(4 + lane, first | upper);
    block.setUint8(8 + lane, first | upper);
    block.setUint8(12 + lane, (second & 15) | ((second & 15) << 4));
  }
}
