import assert from "node:assert/strict";
import { test } from "node:test";
import { pageBytes } from "../../../ops/page-low.ts";
import { cacheFormats, layerFormats, pageFormatsOf } from "./registry.ts";

/** A layer that sees all. */
const at = (index: number) => ({ index, window: 0 });

test("layers with a sliding window stay at 8 bits under low-bit formats, unless they are named; f32 is f32 everywhere", () => {
  const local = { index: 3, window: 512 };
  assert.deepEqual(pageFormatsOf("q4", local), { first: "q8", rest: "q8" });
  assert.deepEqual(pageFormatsOf("f32", local), pageFormatsOf("f32", at(3)));
  const named = layerFormats.parse([{ layers: [3], format: "q4" }]);
  assert.deepEqual(pageFormatsOf("q8", local, named), pageFormatsOf("q4", at(3)));
});

test("formats in order of their ids' bits take fewer bytes a page, at head sizes 64, 128 and 256", () => {
  for (const headDim of [64, 128, 256]) {
    const bytes = ["f32", "q8", "k8v4", "q4", "q3", "q2"].map((id) =>
      pageBytes(pageFormatsOf(id, at(0)).rest, headDim),
    );
    assert.deepEqual(
      bytes,
      [...bytes].sort((a, b) => b - a),
    );
    assert.equal(new Set(bytes).size, bytes.length);
  }
});

test("the first page of low-bit formats has 8 bits unless highFirst is false", () => {
  for (const { id } of cacheFormats.members) {
    const { first, rest } = pageFormatsOf(id, at(0));
    assert.deepEqual(first, typeof rest === "string" ? rest : "q8", id);
  }
  const { first, rest } = pageFormatsOf({ method: "q2", highFirst: false }, at(0));
  assert.deepEqual(first, rest);
});

test("layouts are options; kivi's values have scales per token", () => {
  assert.deepEqual(pageFormatsOf({ method: "q4", keys: "rotated-token", values: "token" }, at(0)).rest, {
    keys: { bits: 4, by: "rotated-token" },
    values: { bits: 4, by: "token" },
  });
  assert.deepEqual(pageFormatsOf("kivi", at(0)).rest, {
    keys: { bits: 2, by: "channel" },
    values: { bits: 2, by: "token" },
  });
});

test("a layer keeps its own format where the plan names one; the later of two holds; unknown ids are refused", () => {
  const overrides = layerFormats.parse([
    { layers: [0, 1], format: "q8" },
    { layers: [1], format: "f32" },
  ]);
  const formats = [0, 1, 2].map((layer) => pageFormatsOf("q2", at(layer), overrides).rest);
  assert.deepEqual(formats, ["q8", "f32", pageFormatsOf("q2", at(0)).rest]);
  assert.throws(() => layerFormats.parse([{ layers: [0], format: "q9" }]), /expected one of .*kivi/);
});
