import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readGguf } from "../../src/formats/gguf.ts";
import { openFile } from "../../src/platform/node.ts";
import { encodeGguf } from "./gguf-writer.ts";
import { readTinyGolden, tinyGoldenNames } from "./golden.ts";
import { logSoftmax, rowsOf } from "./kl.ts";
import { tinyModel, writeTinyModel } from "./tiny-model.ts";

for (const name of tinyGoldenNames())
  test(`${name}: the model is made again byte for byte`, () => {
    const { architecture, options, sha256 } = readTinyGolden(name);
    const bytes = encodeGguf(tinyModel(architecture, options));
    assert.equal(createHash("sha256").update(bytes).digest("hex"), sha256);
  });

test("golden logits are as long as the tokens say and neither flat nor certain: entropy 1.5 to 4 nats on average", () => {
  for (const name of tinyGoldenNames()) {
    const { tokenIds, vocabularySize, firstRow, logits } = readTinyGolden(name);
    assert.equal(logits.length, (tokenIds.length - firstRow) * vocabularySize);
    const entropies = rowsOf(logits, vocabularySize).map((row) =>
      logSoftmax(row).reduce((sum, logP) => sum - Math.exp(logP) * logP, 0),
    );
    const mean = entropies.reduce((sum, entropy) => sum + entropy, 0) / entropies.length;
    assert.ok(mean > 1.5 && mean < 4, `${name}: ${mean}`);
  }
});

test("writeTinyModel writes the golden's file once and gives the same path again", async () => {
  const path = await writeTinyModel("llama-q4_0");
  assert.equal(await writeTinyModel("llama-q4_0"), path);
  const sha256 = createHash("sha256").update(readFileSync(path)).digest("hex");
  assert.equal(sha256, readTinyGolden("llama-q4_0").sha256);
});

test("each architecture has the tensors that only it needs", async () => {
  const namesOf = async (golden: string) => {
    const file = openFile(await writeTinyModel(golden));
    const { tensors } = readGguf(file);
    file.close();
    return [...tensors.keys()].filter((name) => !name.startsWith("blk.") || name.startsWith("blk.1.")).sort();
  };
  const common = [
    "attn_k",
    "attn_norm",
    "attn_output",
    "attn_q",
    "attn_v",
    "ffn_down",
    "ffn_gate",
    "ffn_norm",
    "ffn_up",
  ];
  const own: Record<string, string[]> = {
    "llama-f32": [],
    "qwen2-q8_0": ["attn_k.bias", "attn_q.bias", "attn_v.bias"],
    "qwen3-q4_k": ["attn_k_norm.weight", "attn_q_norm.weight"],
    "gemma3-f16": ["attn_k_norm.weight", "attn_q_norm.weight", "post_attention_norm.weight", "post_ffw_norm.weight"],
  };
  for (const [golden, names] of Object.entries(own)) {
    const blocks = [...common.map((name) => `${name}.weight`), ...names].map((name) => `blk.1.${name}`);
    const head = golden === "llama-f32" ? ["output.weight"] : [];
    const expected = [...blocks, ...head, "output_norm.weight", "token_embd.weight"].sort();
    assert.deepEqual(await namesOf(golden), expected);
  }
});
