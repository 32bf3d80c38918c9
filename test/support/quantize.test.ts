import assert from "node:assert/strict";
import { test } from "node:test";
import { dequantize } from "../../src/formats/quant/dequantize.ts";
import { tensorTypes } from "../../src/formats/tensor-types.ts";
import { quantize, randomBlocks } from "./quantize.ts";
import { randomFloats } from "./random.ts";

/** Largest error of a round trip, in units of the largest value of the whole tensor. */
const bounds = {
  F32: 0,
  F16: 2 ** -11,
  BF16: 2 ** -7,
  Q8_0: 0.0041,
  Q4_0: 0.075,
  Q4_1: 0.07,
  Q5_0: 0.035,
  Q5_1: 0.035,
};

for (const type of tensorTypes) {
  const bound = bounds[type.name as keyof typeof bounds];
  if (bound !== undefined)
    test(`${type.name}: quantised numbers come back within ${bound} of the largest`, () => {
      const values = randomFloats(32 * 50, 3);
      const back = dequantize(type, quantize(type.name, values), values.length);
      const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const error = values.reduce((most, value, i) => Math.max(most, Math.abs(value - back[i])), 0);
      assert.ok(error <= bound * largest, `${error / largest}`);
    });
  else
    test(`${type.name}: random blocks have mean 0 and the wanted deviation, within 10 %`, () => {
      const values = dequantize(type, randomBlocks(type.name, 200, 0.05, 5), 200 * 256);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const deviation = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
      assert.ok(Math.abs(mean) < 0.005 && Math.abs(deviation / 0.05 - 1) < 0.1, `mean ${mean}, deviation ${deviation}`);
    });
}

test("blocks of zeros stay zero", () => {
  for (const name of Object.keys(bounds)) {
    const type = tensorTypes.find((candidate) => candidate.name === name)!;
    assert.deepEqual(dequantize(type, quantize(name, new Float32Array(32)), 32), new Float32Array(32));
  }
});
