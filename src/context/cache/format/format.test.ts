import assert from "node:assert/strict";
import { test } from "node:test";
import { pageBytes } from "../../../ops/page-low.ts";
import { cacheFormats, layerFormats, pageFormatsOf } from "./registry.ts";

test("formats in order of their ids' bits take fewer bytes a page, at head sizes 64, 128 and 256", () => {
  for (const headDim of [64, 128, 256]) {
    const bytes = ["f32", "q8", "k8v4", "q4", "q3", "q2"].map((id) => pageBytes(pageFormatsOf(id, 0).rest, headDim));
    assert.deepEqual(
      bytes,
      [...bytes].sort((a, b) => b - a),
    );
    assert.equal(new Set(bytes).size, bytes.length);
  }
});

test("the first page of low-bit formats has 8 bits unless highFirst is false", () => {
  for (const { id } of cacheFormats.members) {
    const { first, rest } = pageFormatsOf(id, 0);
    assert.deepEqual(first, typeof rest === "string" ? rest : "q8", id);
  }
  const { first, rest } = pageFormatsOf({ method: "q2", highFirst: false }, 0);
  assert.deepEqual(first, rest);
});

test("layouts are options; kivi's values have scales per token", () => {
  assert.deepEqual(pageFormatsOf({ method: "q4", keys: "rotated-token", values: "token" }, 0).rest, {
    keys: { bits: 4, by: "rotated-token" },
    values: { bits: 4, by: "token" },
  });
  assert.deepEqual(pageFormatsOf("kivi", 0).rest, {
    keys: { bits: 2, by: "channel" },
    values: { bits: 2, by: "token" },
  });
});

test("a layer keeps its own format where the plan names one; the later of two holds; unknown ids are refused", () => {
  const overrides = layerFormats.parse([
    { layers: [0, 1], format: "q8" },
    { layers: [1], format: "f32" },
  ]);
  const formats = [0, 1, 2].map((layer) => pageFormatsOf("q2", layer, overrides).rest);
  assert.deepEqual(formats, ["q8", "f32", pageFormatsOf("q2", 0).rest]);
  assert.throws(() => layerFormats.parse([{ layers: [0], format: "q9" }]), /expected one of .*kivi/);
});
