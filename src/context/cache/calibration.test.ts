import assert from "node:assert/strict";
import { test } from "node:test";
import { randomFloats } from "../../../test/support/random.ts";
import { InputError } from "../../runtime/errors.ts";
import { parsePlan } from "../plan.ts";
import {
  type Calibration,
  decodeCalibration,
  encodeCalibration,
  expectCalibrationFits,
  needsCalibration,
  storedStatistics,
} from "./calibration.ts";

const shape = { numLayers: 2, numHeads: 4, numKvHeads: 2, headDim: 8 };
const calibration: Calibration = {
  ...shape,
  tokens: 1234,
  retrieval: randomFloats(4, 1),
  mean: randomFloats(64, 2),
  covariance: randomFloats(512, 3),
};
const bytes = encodeCalibration(calibration);

test("what was encoded comes back bit for bit, from wherever in a buffer", () => {
  for (const offset of [0, 1, 6]) {
    const buffer = new Uint8Array(bytes.length + 20);
    buffer.set(bytes, offset);
    const part = buffer.subarray(offset, offset + bytes.length);
    assert.deepEqual(decodeCalibration(part, "a file"), calibration);
  }
});

test("bytes that are not those of a whole calibration are refused, with what to do", () => {
  const changed = (at: number) => bytes.map((byte, index) => (index === at ? byte ^ 64 : byte));
  const refused: [Uint8Array, RegExp][] = [
    [new Uint8Array(0), /expected a calibration, got another kind of file/],
    [changed(0), /expected a calibration, got another kind of file/],
    [changed(4), /expected a calibration of version 1, got version 65/],
    ...[8, 12, 20, 50, 200, bytes.length - 1].map((at): [Uint8Array, RegExp] => [changed(at), /the file is damaged/]),
    ...[1, 4, 400].map((count): [Uint8Array, RegExp] => [bytes.subarray(0, -count), /the file is damaged/]),
    [Uint8Array.of(...bytes, 0), /the file is damaged/],
  ];
  for (const [given, reason] of refused)
    assert.throws(
      () => decodeCalibration(given, "some.bin"),
      ({ message }: InputError) =>
        message.startsWith("some.bin: ") &&
        reason.test(message) &&
        message.endsWith("Run `longspan models calibrate NAME` once more."),
    );
});

test("a calibration of another shape than the model's is refused with both shapes", () => {
  expectCalibrationFits(calibration, { ...shape, name: "a model" });
  for (const key of ["numLayers", "numHeads", "numKvHeads", "headDim"] as const)
    assert.throws(
      () => expectCalibrationFits(calibration, { ...shape, [key]: 16, name: "a model" }),
      (error) => error instanceof InputError && /as a model has, got 2 layers of 4 query heads/.test(error.message),
    );
});

test("statistics of a head are its part of the arrays, its variances raised by 1e-6 of them", () => {
  const { queryStatistics, retrieval } = storedStatistics(calibration);
  assert.equal(retrieval(1, 0), calibration.retrieval[2]);
  const { count, mean, covariance } = queryStatistics(1, 2);
  assert.equal(count, 1234);
  assert.deepEqual(mean, Float64Array.from(calibration.mean.subarray(48, 56)));
  const stored = calibration.covariance.subarray(384, 448);
  covariance.forEach((value, at) => {
    assert.equal(value, at % 9 === 0 ? stored[at] * (1 + 1e-6) : stored[at]);
  });
});

test("plans need a calibration for head-class and for stored statistics alone", () => {
  const needs = (cache: object) => needsCalibration(parsePlan({ cache }).cache);
  const stored = { method: "expected-attention", mode: "stored" };
  assert.deepEqual(
    [
      { score: stored, budget: 500 },
      { score: "snapkv", allocation: "head-class", budget: 500 },
    ].map(needs),
    [true, true],
  );
  assert.deepEqual([{}, { score: "expected-attention", budget: 500 }].map(needs), [false, false]);
});
