/** Made-up runs for tests of reports: scores fall with length and in the middle, and every kind of trouble occurs. */
import { createRandom } from "../../src/eval/random.ts";
import type { ReportRun } from "../../src/eval/report/html/index.ts";
import { summarize } from "../../src/eval/summary/summarize.ts";
import type { Row, RunInfo } from "../../src/eval/types.ts";

export interface MadeUpRun {
  readonly format?: "q8" | "f32";
  /** 0 to 1: how good the model is. */
  readonly strength?: number;
  readonly samples?: number;
  readonly lengths?: readonly number[];
  readonly change?: (row: Row) => Row;
}

const madeUpTasks = [
  ...["niah_single_1", "niah_single_2", "niah_multikey_1", "niah_multivalue", "vt", "cwe", "fwe"].map((id) => ({
    id,
    family: "ruler",
  })),
  { id: "needle", family: "needle" },
];
const depths = Array.from({ length: 11 }, (_, i) => i / 10);

export function madeUpRun({
  format = "q8",
  strength = 0.9,
  samples = 22,
  lengths = [1024, 2048, 4096, 8192, 16384],
  change = (row) => row,
}: MadeUpRun = {}): ReportRun {
  const rows = madeUpTasks.flatMap(({ id, family }, taskIndex) =>
    lengths.flatMap((length) =>
      Array.from({ length: samples }, (_, index) =>
        change(madeUpRow({ id, family, length, index, chance: strength - 0.05 * (taskIndex % 5), format })),
      ),
    ),
  );
  return { info: madeUpInfo(format, samples, lengths), rows, summary: summarize(rows) };
}

interface Asked {
  readonly id: string;
  readonly family: string;
  readonly length: number;
  readonly index: number;
  readonly chance: number;
  readonly format: string;
}

function madeUpRow({ id, family, length, index, chance, format }: Asked): Row {
  const random = createRandom("made-up", id, length, index);
  const hasDepth = id.startsWith("niah") || id === "needle";
  const depth = id === "needle" ? depths[index % depths.length] : random.next();
  const middle = hasDepth ? 0.35 * (1 - (2 * depth - 1) ** 2) : 0;
  const chanceHere = chance + 0.1 - 0.09 * Math.log2(length / 1024) - middle * Math.log2(length / 512) * 0.3;
  const parts = id === "needle" || id.startsWith("niah_single") ? 1 : 4;
  const hits = Array.from({ length: parts }, () => Number(random.next() < chanceHere));
  const score = hits.reduce((sum, hit) => sum + hit, 0) / parts;
  const references = Array.from({ length: parts }, () => String(random.between(1_000_000, 9_999_999)));
  const output = references.map((reference, i) => (hits[i] ? reference : String(random.int(9_999_999)))).join(", ");
  const seconds = (length / (format === "q8" ? 900 : 700)) * (0.95 + 0.1 * random.next());
  return {
    key: `${id}/${length}/${index}`,
    task: id,
    family,
    mode: "chat+prefill",
    length,
    index,
    group: `${id}/${length}/${index}`,
    depth: hasDepth ? depth : undefined,
    promptHash: `${id}/${length}/${index}`,
    promptTokens: length - 128 - random.int(12),
    fill: 0.995,
    maxTokens: 128,
    question: `What is the special magic number for wistful-harbor mentioned in the provided text?`,
    answerPrefix: " The special magic number for wistful-harbor mentioned in the provided text is",
    evidence: hasDepth
      ? references.slice(0, 2).map((reference, i) => ({
          before: "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again. ",
          needle: `One of the special magic numbers for wistful-harbor is: ${reference}.`,
          after: " The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.",
          depth: Math.min(1, depth + i * 0.1),
        }))
      : [],
    references,
    output: ` ${output}.`,
    score,
    scores: { score, exact: Number(score === 1) },
    facts: hasDepth ? { values: parts } : undefined,
    finish: random.next() < 0.1 ? "length" : "stop",
    usage: {
      promptTokens: length - 130,
      cachedTokens: 40,
      outputTokens: 30,
      prefillSeconds: seconds * 0.9,
      decodeSeconds: seconds * 0.1,
      seconds,
    },
    attempts: random.next() < 0.01 ? 2 : 1,
  };
}

function madeUpInfo(format: string, samples: number, lengths: readonly number[]): RunInfo {
  return {
    version: 1,
    id: `2026-11-24-${format}`,
    startedAt: "2026-11-24T10:00:00.000Z",
    longspan: "0.1.0",
    backend: {
      name: "qwen2.5-coder-0.5b-instruct-q8_0.gguf",
      fingerprint: `0f1e2d3c4b5a6978${format}`,
      contextLength: 32768,
    },
    plan: { position: { method: "rope" }, cache: { score: "keep-all", format } },
    mode: "chat+prefill",
    seed: 42,
    tasks: madeUpTasks.map(({ id, family }) => ({ id, family, version: 1 })),
    lengths,
    samples: Object.fromEntries(lengths.map((length) => [length, samples])),
    haystack: { name: "moby-dick", sha256: "5d41402abc4b2a76b9719d911017c592ae2b1c1d3e4f5a6b7c8d9e0f1a2b3c4d" },
    machine: { cpu: "AMD EPYC 7B13", cores: 2, memoryBytes: 24 * 2 ** 30, node: "20.20.2" },
  };
}
