import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { tensorTypes } from "../tensor-types.ts";
import { dequantize } from "./dequantize.ts";

const folder = "test/golden/quant";

test("every tensor type has golden data", () => {
  const files = readdirSync(folder).sort();
  assert.deepEqual(files, tensorTypes.map(({ name }) => `${name}.json`).sort());
});

for (const type of tensorTypes) {
  test(`${type.name} equals the Python package gguf, bit for bit`, () => {
    const golden = JSON.parse(readFileSync(`${folder}/${type.name}.json`, "utf8"));
    const blocks = Buffer.from(golden.blocks, "base64");
    const expected = Buffer.from(golden.values, "base64");
    const values = dequantize(type, blocks, expected.length / 4);
    const wrong = values.findIndex((value, i) => !Object.is(value, expected.readFloatLE(4 * i)));
    assert.equal(wrong, -1, `element ${wrong}: ${values[wrong]}`);
  });
}

test("bytes that are not whole blocks are refused", () => {
  const q4 = tensorTypes.find(({ name }) => name === "Q4_0")!;
  assert.throws(() => dequantize(q4, new Uint8Array(17), 32), /expected 1 blocks of 18 bytes \(Q4_0\), got 17/);
  assert.throws(() => dequantize(q4, new Uint8Array(27), 48), /expected 1.5 blocks/);
});
