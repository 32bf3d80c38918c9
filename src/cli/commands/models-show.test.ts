import assert from "node:assert/strict";
import { test } from "node:test";
import { runCli } from "../../../test/support/cli.ts";
import { writeModel } from "../../../test/support/sessions.ts";
import { tinyModel } from "../../../test/support/tiny-model.ts";
import { factsOf, textOf } from "./models-show.ts";

const smollm = {
  name: "SmolLM2",
  architecture: "llama",
  contextLength: 8192,
  vocabularySize: 49_152,
  hiddenSize: 576,
  feedForwardSize: 1536,
  numLayers: 30,
  numHeads: 9,
  numKvHeads: 3,
  headDim: 64,
  normEps: 1e-5,
  activation: "silu" as const,
  embeddingScale: 1,
  attentionScale: 1 / 8,
  rotary: 64,
  ropeInterleaved: true,
  layers: Array.from({ length: 30 }, () => ({ window: 0, rope: { base: 1e5 } })),
};

test("SmolLM2-135M: 12,960 bytes a token in q8 pages, critical dimension 40, 8,379 tokens predicted", () => {
  assert.equal(
    textOf({ ...factsOf(smollm), weightBytes: 110e6, fileBytes: 98e6 }),
    `model               SmolLM2
architecture        llama
layers              30, all with full attention
heads               9 of 64 dimensions, 3 KV heads
trained context     8,192 tokens
rope                base 100,000, 64 dimensions turn, no scaling
weights             110 MB in memory, 98 MB as a file
KV cache            12,960 bytes a token in q8 pages, 46,440 in f32 pages
critical dimension  40 of 64 saw a whole turn in training
usable context      8,379 tokens predicted without scaling

Beyond 8,192 tokens use {"position":{"method":"dca"}}, which reaches 131,072, or yarn up to 32,768 where tokens must be dropped as well; --plan auto chooses.`,
  );
});

test("layers with a window take no memory for more text, and a file's scaling is named", () => {
  const scaling = { type: "linear", factor: 8 } as const;
  const layers = smollm.layers.map((layer, l) =>
    l < 20 ? { window: 512, rope: { base: 1e4 } } : { ...layer, rope: { base: 1e6, scaling } },
  );
  const text = textOf({ ...factsOf({ ...smollm, layers }), weightBytes: 0, fileBytes: 0 });
  assert.match(text, /10 with full attention, 20 with a sliding window of 512 tokens \(rope base 10,000\)/);
  assert.match(text, /base 1,000,000, 64 dimensions turn, linear scaling by 8 in the file/);
  assert.match(text, /4,320 bytes a token in q8 pages, 15,480 in f32 pages/);
  assert.match(text, /the file's own scaling rules out methods that change frequencies/);
});

test("show --json reads a file of the user's; a model that is not here is refused, not pulled", async () => {
  const path = writeModel(tinyModel("qwen2", { layers: 1, feedForward: 256 }));
  const { code, stdout } = await runCli(["models", "show", path, "--json"]);
  assert.equal(code, 0);
  const facts = JSON.parse(stdout);
  assert.deepEqual([facts.name, facts.title, facts.numLayers, facts.numKvHeads], [path, "tiny qwen2", 1, 2]);
  assert.deepEqual(facts.rope, { base: 1e6, dimensions: 64 });
  assert.deepEqual([facts.kvBytesPerToken.q8, facts.kvBytesPerToken.f32], [288, 1032]);
  const missing = await runCli(["models", "show", "gemma3-270m"], { env: { LONGSPAN_HOME: "/nowhere" } });
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /not on this machine\. Get it with: longspan models pull gemma3-270m\n$/);
});
