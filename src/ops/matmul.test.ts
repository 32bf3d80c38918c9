import assert from "node:assert/strict";
import { test } from "node:test";
import { builds, expectClose, expectSame, type KernelSpace, withTeam } from "../../test/support/kernels.ts";
import { quantize, randomBlocks } from "../../test/support/quantize.ts";
import { randomFloats } from "../../test/support/random.ts";
import { f32ToF16 } from "../formats/half.ts";
import { dequantize } from "../formats/quant/dequantize.ts";
import { type TensorType, tensorTypes } from "../formats/tensor-types.ts";
import { embedReference, matmulReference, packedActivations } from "./matmul.reference.ts";
import { embed, matmul, PackedRows, paddedRows } from "./matmul.ts";
import { allocatePanels, type PanelMatrix, packWeights } from "./panels.ts";

const ROWS = 33;
const typesByName = Object.fromEntries(tensorTypes.map((type) => [type.name, type]));

interface Tensor {
  type: TensorType;
  bytes: Uint8Array;
  inputs: number;
  outputs: number;
}

function randomTensor(type: TensorType, inputs: number, outputs: number): Tensor {
  const elements = inputs * outputs;
  const bytes =
    type.blockLength === 256
      ? randomBlocks(type.name, elements / 256, 0.05, elements)
      : quantize(type.name, randomFloats(elements, elements, 0.05));
  return { type, bytes, inputs, outputs };
}

function valuesOf({ type, bytes, inputs, outputs }: Tensor): Float32Array {
  return dequantize(type, bytes, inputs * outputs);
}

/** Normal numbers whose quants are not close to a tie: which way a tie goes depends on whether the machine fuses a·b + c. */
function randomRows(rows: number, inputs: number): Float32Array {
  const x = randomFloats(rows * inputs, inputs);
  for (let at = 0; at < x.length; at += 32) {
    const block = x.subarray(at, at + 32);
    const largest = block.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const isTie = (steps: number) => Math.abs(steps - Math.floor(steps) - 0.5) < 1e-3;
    for (let i = 0; i < 32; i++)
      while (isTie((block[i] * 127) / largest) || isTie((block[i] * 8191) / largest)) block[i] *= 0.999;
  }
  return x;
}

/** Packs the matrix in two steps, as a loader with a small staging area would. */
function load(space: KernelSpace, { type, bytes, inputs, outputs }: Tensor): PanelMatrix {
  const matrix = allocatePanels(space.heap, type, inputs, outputs);
  const source = space.put(bytes);
  packWeights(space.team, matrix, type, 8, source, 0);
  if (outputs > 8) packWeights(space.team, matrix, type, outputs - 8, source + (8 * bytes.length) / outputs, 1);
  return matrix;
}

/** x · Wᵀ, or start + x · Wᵀ; start, result [rows][outputs]. */
function multiply(space: KernelSpace, matrix: PanelMatrix, x: Float32Array, start?: Float32Array): Float32Array {
  const { inputs, outputs, numPanels, format } = matrix;
  const rows = x.length / inputs;
  const rowLength = numPanels * 8;
  const packed = new PackedRows(space.heap, rows, inputs, [format.activations]);
  packed.set(space.put(x), rows, inputs);
  const out = space.allocate(4 * paddedRows(rows) * rowLength);
  const whole = space.heap.floats(out, rows * rowLength).fill(Number.NaN);
  if (start) for (let r = 0; r < rows; r++) whole.set(start.subarray(r * outputs, (r + 1) * outputs), r * rowLength);
  matmul(space.team, packed, matrix, out, { accumulate: start !== undefined });
  return whole.filter((_, i) => i % rowLength < outputs);
}

/** Errors are counted in deviations that an output of random weights has: rms(x[r]) · ‖w[n]‖. */
function inDeviations(values: ArrayLike<number>, x: Float32Array, weights: Float32Array, inputs: number): Float64Array {
  const norms = (matrix: Float32Array) =>
    Float64Array.from({ length: matrix.length / inputs }, (_, row) =>
      Math.hypot(...matrix.subarray(row * inputs, (row + 1) * inputs)),
    );
  const [rows, columns] = [norms(x), norms(weights)];
  const unit = (i: number) => (rows[Math.floor(i / columns.length)] * columns[i % columns.length]) / Math.sqrt(inputs);
  return Float64Array.from(values, (value, i) => value / unit(i));
}

/**
 * Types whose scales are rounded while weights are packed, which a whole block shares: to f16 (2^-12 of scale·q and of min
 * on average) and, Q2_K, to 1/4,000 of a block's range (half of that for the scale, times q up to 3, and for the min).
 */
const scaleBounds: Record<string, number> = { Q2_K: 6e-3, Q4_K: 4e-3, Q5_K: 4e-3 };
/** A running f32 sum of n numbers that grows to 1 errs by about 2^-25·√(n/2); six times that, for 152 blocks or 4,864 inputs. */
const sumBounds = { int8: 1e-5, int16: 1e-5, float: 2e-5 };
/** A step of 2.1/127 or 2.1/8,191 of a deviation (2.1: the mean largest of 32) errs by step/√12; six times that. */
const activationBounds = { int8: 0.03, int16: 5e-4, float: 0 };
const activationsOf = (type: string) => (/Q[45]/.test(type) ? "int8" : type.startsWith("Q") ? "int16" : "float");

for (const type of tensorTypes) {
  const packed = scaleBounds[type.name] ?? sumBounds[activationsOf(type.name)];
  const exact = packed + activationBounds[activationsOf(type.name)];
  test(`matmul ${type.name}: within ${packed} of an output's deviation for rows as packed, ${exact} for exact rows; any number of rows gives the same bits`, async () => {
    for (const [inputs, outputs] of [
      [Math.max(32, type.blockLength), 8],
      [256, 128],
      [type.blockLength === 256 ? 768 : 896, 20],
      [4864, 20],
    ]) {
      const tensor = randomTensor(type, inputs, outputs);
      const weights = valuesOf(tensor);
      const x = randomRows(ROWS, inputs);
      const scaled = (values: ArrayLike<number>) => inDeviations(values, x, weights, inputs);
      const rounded = packedActivations(x, activationsOf(type.name));
      const expectedPacked = scaled(matmulReference(rounded, weights, inputs));
      const expectedExact = scaled(matmulReference(x, weights, inputs));
      for (const build of builds)
        await withTeam(build, 1, (space) => {
          const what = `${build} [${outputs}][${inputs}]`;
          const matrix = load(space, tensor);
          const all = multiply(space, matrix, x);
          expectClose(scaled(all), expectedPacked, { absolute: packed }, `${what}, rows as packed`);
          expectClose(scaled(all), expectedExact, { absolute: exact }, `${what}, exact rows`);
          for (const [first, rows] of [1, 2, 3, 4, 5, 8]
            .map((n) => [0, n])
            .concat([
              [5, 1],
              [32, 1],
              [30, 2],
            ])) {
            const some = multiply(space, matrix, x.slice(first * inputs, (first + rows) * inputs));
            expectSame(some, all.slice(first * outputs, (first + rows) * outputs), `${what}, rows ${first} + ${rows}`);
          }
        });
    }
  });
}

for (const build of builds) {
  test(`matmul, ${build}: two threads give the same bits as one, for every type`, async () => {
    const results: Float32Array[][] = [];
    for (const threads of [1, 2])
      await withTeam(build, threads, (space) => {
        results.push(
          tensorTypes.map((type) => multiply(space, load(space, randomTensor(type, 256, 100)), randomRows(5, 256))),
        );
      });
    tensorTypes.forEach(({ name }, i) => {
      expectSame(results[1][i], results[0][i], name);
    });
  });

  // The sum starts at what `out` holds, here up to 3, and rounds by up to 2^-23 in each of 8 to 256 additions.
  test(`matmul, ${build}: accumulate adds to what is there, within 1e-5, for every type`, async () => {
    await withTeam(build, 1, (space) => {
      for (const type of tensorTypes)
        for (const rows of [1, 5]) {
          const matrix = load(space, randomTensor(type, 256, 20));
          const x = randomRows(rows, 256);
          const start = randomFloats(rows * 20, 3);
          const sum = multiply(space, matrix, x).map((value, i) => value + start[i]);
          expectClose(multiply(space, matrix, x, start), sum, { absolute: 1e-5 }, `${type.name}, ${rows} rows`);
        }
    });
  });

  // A tile that is too greedy would leave i16 (four products of 31·127 and 127·127 fit) or i32 (32 of 8,191·8,191 fit).
  test(`matmul, ${build}: the largest quants times activations of one sign do not saturate, within 1e-6 of Σ|x·w| (Q2_K, Q4_K, Q5_K: 1e-3)`, async () => {
    await withTeam(build, 1, (space) => {
      for (const tensor of extremeTensors()) {
        const { name } = tensor.type;
        const matrix = load(space, tensor);
        const weights = valuesOf(tensor);
        const mass = 3 * weights.subarray(0, 256).reduce((sum, value) => sum + Math.abs(value), 0);
        const tolerance = { absolute: mass * (name in scaleBounds ? 1e-3 : 1e-6) };
        for (const rows of [1, 4])
          for (const value of [3, -3]) {
            const x = new Float32Array(rows * 256).fill(value);
            const expected = matmulReference(x, weights, 256);
            expectClose(multiply(space, matrix, x), expected, tolerance, `${name}, ${rows} rows of ${value}`);
          }
      }
    });
  });

  test(`matmul, ${build}: a row of zeros gives exactly 0, one huge or tiny row leaves the others' bits alone, for every type`, async () => {
    await withTeam(build, 1, (space) => {
      for (const type of tensorTypes) {
        const matrix = load(space, randomTensor(type, 256, 20));
        const x = randomRows(4, 256);
        const plain = multiply(space, matrix, x);
        const changed = (change: (value: number, i: number) => number) => {
          const row = x.map((value, i) => (i >> 8 === 2 ? change(value, i & 255) : value));
          const result = multiply(space, matrix, row);
          expectSame(result.slice(0, 40), plain.slice(0, 40), `${type.name}, rows before`);
          expectSame(result.slice(60), plain.slice(60), `${type.name}, row after`);
          return result.slice(40, 60);
        };
        expectSame(changed(() => 0).map(Math.abs), new Float32Array(20), `${type.name}, zeros`);
        const outlier = changed((value, i) => (i === 77 ? 1e6 : value));
        expectClose(
          outlier,
          changed((_, i) => (i === 77 ? 1e6 : 0)),
          { absolute: 1e3 },
          `${type.name}, outlier`,
        );
        for (const value of changed((value) => value * 1e-40))
          assert.ok(Math.abs(value) < 1e-30, `${type.name}: ${value}`);
      }
    });
  });

  test(`embed, ${build}: within 2e-7 of the largest weight (Q2_K, Q4_K, Q5_K: 2e-3), any ids in any order`, async () => {
    await withTeam(build, 2, (space) => {
      const ids = Int32Array.of(19, 0, 7, 8, 7, 15, 16, 1, 2, 3);
      for (const type of tensorTypes) {
        const tensor = randomTensor(type, 512, 20);
        const weights = valuesOf(tensor);
        const out = space.allocate(4 * ids.length * 512);
        embed(space.team, load(space, tensor), space.put(ids), ids.length, out, 3);
        const largest = 3 * weights.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const tolerance = { absolute: largest * (type.name in scaleBounds ? 2e-3 : 2e-7) };
        const expected = embedReference(weights, ids, { inputs: 512, factor: 3 });
        expectClose(space.floats(out, ids.length * 512), expected, tolerance, type.name);
      }
    });
  });
}

/** Byte offsets of the f16 scales in a block. */
const halfFields: Record<string, number[]> = {
  Q8_0: [0],
  Q4_0: [0],
  Q4_1: [0, 2],
  Q5_0: [0],
  Q5_1: [0, 2],
  Q2_K: [80, 82],
  Q3_K: [108],
  Q4_K: [0, 2],
  Q5_K: [0, 2],
  Q6_K: [208],
};

/** Matrices [8][256] of every quantised type with all quants and sub-scales at one end, and f16 scales of 0.01. */
function extremeTensors(): Tensor[] {
  const fills = [
    { quants: 0x00, scales: 0x80 },
    { quants: 0xff, scales: 0xff },
    { quants: 0xff, scales: 0x7f },
    { quants: 0x7f, scales: 0x7f },
    { quants: 0x80, scales: 0x80 },
  ];
  return Object.entries(halfFields).flatMap(([name, fields]) => {
    const type = typesByName[name];
    return fills.map(({ quants, scales }) => {
      const block = new Uint8Array(type.blockBytes).fill(quants);
      if (name === "Q6_K") block.fill(scales, 192);
      const view = new DataView(block.buffer);
      for (const at of fields) view.setUint16(at, f32ToF16(0.01), true);
      const numBlocks = (8 * 256) / type.blockLength;
      const bytes = Uint8Array.from({ length: numBlocks * type.blockBytes }, (_, i) => block[i % type.blockBytes]);
      return { type, bytes, inputs: 256, outputs: 8 };
    });
  });
}

test("matmul: rows of another width than the matrix are refused", async () => {
  await withTeam("simd", 1, ({ heap, team }) => {
    const matrix = allocatePanels(heap, typesByName.F32, 64, 8);
    const rows = new PackedRows(heap, 1, 64, ["float"]);
    rows.set(0, 1, 32);
    assert.throws(() => matmul(team, rows, matrix, 0), /matmul: expected rows of 64, got 32/);
  });
});
