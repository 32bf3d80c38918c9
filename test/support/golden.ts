/** Golden data under test/golden/, made by independent engines: see test/golden/README.md. Tests run in the repository's root. */
import { readdirSync, readFileSync } from "node:fs";
import type { Architecture, TinyModelOptions } from "./tiny-model.ts";

export interface TinyGolden {
  readonly name: string;
  readonly architecture: Architecture;
  readonly options: TinyModelOptions;
  /** Of the GGUF file that `writeTinyModel(name)` makes again. */
  readonly sha256: string;
  readonly tokenIds: readonly number[];
  readonly vocabularySize: number;
  /** The first token whose logits are kept; the last is the last of `tokenIds`. */
  readonly firstRow: number;
  /** [tokenIds.length - firstRow, vocabularySize] */
  readonly logits: Float32Array;
}

const tinyFolder = "test/golden/tiny";

export function tinyGoldenNames(): string[] {
  const files = readdirSync(tinyFolder).filter((file) => file.endsWith(".json"));
  return files.map((file) => file.replace(/\.json$/, "")).sort();
}

export function readTinyGolden(name: string): TinyGolden {
  const golden = JSON.parse(readFileSync(`${tinyFolder}/${name}.json`, "utf8"));
  const bytes = Uint8Array.from(Buffer.from(golden.logits, "base64"));
  return { ...golden, name, logits: new Float32Array(bytes.buffer) };
}

/** A real model on a page of prose: the logits that matter most at every position, and the normaliser of all. */
export interface LogitsGolden {
  /** SHA-256 of the GGUF file. */
  readonly sha256: string;
  readonly ids: readonly number[];
  readonly positions: readonly TopLogits[];
}

export interface TopLogits {
  readonly argmax: number;
  /** Of all logits, not only of `top`. */
  readonly logsumexp: number;
  /** The largest logits, largest first. */
  readonly top: readonly (readonly [tokenId: number, logit: number])[];
}

const logitsFolder = "test/golden/logits";

/** The text that `ids` of every LogitsGolden stand for. */
export function readLogitsText(): string {
  return readFileSync(`${logitsFolder}/text.txt`, "utf8");
}

export function readLogitsGolden(model: "smollm2-135m" | "qwen2.5-coder-0.5b" | "gemma3-270m"): LogitsGolden {
  return JSON.parse(readFileSync(`${logitsFolder}/${model}.json`, "utf8"));
}
