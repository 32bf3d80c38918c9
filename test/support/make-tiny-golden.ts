/**
 * Makes test/golden/tiny/ again, in two steps with an independent engine between them (test/golden/README.md):
 *   node dist/test/support/make-tiny-golden.js models FOLDER     FOLDER/<name>.gguf and FOLDER/<name>.ids.json
 *   node dist/test/support/make-tiny-golden.js collect FOLDER    FOLDER/<name>.f32 -> test/golden/tiny/<name>.json
 * <name>.f32 holds the logits of all tokens, [tokens, vocabulary] little-endian f32.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { tensorTypes } from "../../src/formats/tensor-types.ts";
import { encodeGguf } from "./gguf-writer.ts";
import { random } from "./random.ts";
import { type Architecture, type TinyModelOptions, tinyModel } from "./tiny-model.ts";
import { leastVocabularySize } from "./tiny-vocabulary.ts";

interface Recipe {
  architecture: Architecture;
  options: TinyModelOptions;
  firstRow: number;
}

const numTokens = 100;

/** Together: every head size, groups of 1, 3 and 7, tied and untied heads, row lengths that are not powers of two. */
const recipes: Record<string, Recipe> = {
  "llama-f32": all("llama", { headDim: 64, numHeads: 6, numKvHeads: 2, hiddenSize: 192, feedForward: 352 }),
  "llama-q4_0": all("llama", {
    headDim: 96,
    numHeads: 4,
    numKvHeads: 4,
    hiddenSize: 160,
    feedForward: 288,
    vocabularySize: 301,
    tensorType: "Q4_0",
  }),
  "qwen2-q8_0": all("qwen2", {
    layers: 3,
    headDim: 64,
    numHeads: 14,
    numKvHeads: 2,
    hiddenSize: 224,
    feedForward: 320,
    tensorType: "Q8_0",
    tied: true,
  }),
  "qwen3-q4_k": all("qwen3", { headDim: 128, numHeads: 6, tensorType: "Q4_K", tied: true }),
  "gemma3-f16": all("gemma3", {
    layers: 7,
    headDim: 256,
    numHeads: 6,
    numKvHeads: 2,
    hiddenSize: 160,
    feedForward: 288,
    tensorType: "F16",
    slidingWindow: 20,
    tied: true,
  }),
  ...Object.fromEntries(
    tensorTypes.map(({ name }, i): [string, Recipe] => [
      `type-${name.toLowerCase()}`,
      { architecture: "llama", options: { seed: 10 + i, tensorType: name }, firstRow: numTokens - 4 },
    ]),
  ),
};

function all(architecture: Architecture, options: TinyModelOptions): Recipe {
  return { architecture, options, firstRow: 0 };
}

function tokenIdsOf(name: string): number[] {
  const next = random(Object.keys(recipes).indexOf(name));
  return Array.from({ length: numTokens }, () => Math.floor(next() * leastVocabularySize));
}

const [step, folder] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
for (const [name, { architecture, options, firstRow }] of Object.entries(recipes)) {
  const file = encodeGguf(tinyModel(architecture, options));
  const ids = tokenIdsOf(name);
  if (step === "models") {
    writeFileSync(`${folder}/${name}.gguf`, file);
    writeFileSync(`${folder}/${name}.ids.json`, JSON.stringify(ids));
    continue;
  }
  const vocabularySize = options.vocabularySize ?? leastVocabularySize;
  const logits = readFileSync(`${folder}/${name}.f32`).subarray(firstRow * vocabularySize * 4);
  const golden = {
    architecture,
    options,
    sha256: createHash("sha256").update(file).digest("hex"),
    tokenIds: ids,
    vocabularySize,
    firstRow,
    logits: logits.toString("base64"),
  };
  writeFileSync(`test/golden/tiny/${name}.json`, `${JSON.stringify(golden)}\n`);
}
