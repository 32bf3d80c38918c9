/**
 * LongBench (Bai et al. 2023, https://arxiv.org/abs/2308.14508; v2: https://arxiv.org/abs/2412.15204): the 21 sets of v1
 * with their prompts and scores, and v2's multiple choice with and without the text, since v2 can partly be guessed.
 */
import { basename } from "node:path";
import { InputError } from "../../runtime/errors.ts";
import { readJson } from "../data.ts";
import { classification, shareOfNumbers } from "../score/classification.ts";
import { codeSimilarity } from "../score/edit-similarity.ts";
import { choiceOf } from "../score/multiple-choice.ts";
import { rouge } from "../score/rouge.ts";
import { characterF1, tokenF1 } from "../score/token-f1.ts";
import {
  aroundDocument,
  bestOf,
  type FileSample,
  fileTask,
  fillIn,
  type Loader,
  type LoadOptions,
} from "./file-task.ts";
import { type Line, readLines } from "./json-lines.ts";

interface DatasetWords {
  readonly prompt: string;
  readonly maxTokens: number;
  readonly metric: keyof typeof metrics;
  /** Upstream asks without the chat template. */
  readonly raw?: boolean;
  readonly firstLineOnly?: boolean;
}

const words = readJson<{
  readonly source: string;
  readonly license: string;
  readonly v1: Readonly<Record<string, DatasetWords>>;
  readonly v2: { readonly prompt: string; readonly promptWithoutContext: string; readonly maxTokens: number };
}>("longbench.json");

/** Upstream cuts Chinese into words with jieba; here each character is a word, so Chinese figures differ a little. */
const spaced = (text: string) => [...text].join(" ");

const metrics = {
  f1: tokenF1,
  characterF1,
  rougeL: (output: string, reference: string) => rouge(output, reference).rougeL.f1,
  characterRougeL: (output: string, reference: string) => rouge(spaced(output), spaced(reference)).rougeL.f1,
  numbers: (output: string, reference: string) => shareOfNumbers(output, /\d+/.exec(reference)?.[0] ?? reference),
  code: codeSimilarity,
  classification,
};

export const longBench: Loader = {
  id: "longbench",
  summary: "LongBench v1: JSON lines {input, context, answers, length, dataset, all_classes}, one of 21 sets",
  source: words.source,
  license: words.license,
  async load(path, options = {}) {
    const lines = await readLines(path);
    const names = lines.map((line) => datasetOf(line, path));
    const samples = lines.map((line, i) => sampleOf(line, names[i], options));
    const isRaw = names.every((name) => words.v1[name].raw);
    return fileTask({ path, loader: longBench, samples, truncation: "middle", ...(isRaw && { mode: "raw" }) });
  },
};

/** The line's field, or the file's name; LongBench-E's names end in "_e". */
function datasetOf(line: Line, path: string): string {
  const given = line.has("dataset") ? line.text("dataset") : basename(path).replace(/\.jsonl?$/, "");
  const name = given.replace(/_e$/, "");
  if (name in words.v1) return name;
  throw new InputError(
    `${line.where}: expected a dataset of LongBench, got ${given}. They are ${Object.keys(words.v1).join(", ")}.`,
  );
}

function sampleOf(line: Line, dataset: string, { maxTokens }: LoadOptions): FileSample {
  const { prompt, metric, firstLineOnly, ...given } = words.v1[dataset];
  const references = line.texts("answers");
  const classes = metric === "classification" ? line.texts("all_classes") : [];
  return {
    where: line.where,
    document: aroundDocument(prompt, "context", line.text("context"), {
      input: line.has("input") ? line.text("input") : "",
    }),
    references,
    maxTokens: maxTokens ?? given.maxTokens,
    facts: { dataset, ...(line.has("length") && { words: line.count("length") }) },
    score(output) {
      const answer = firstLineOnly ? output.replace(/^\n+/, "").split("\n")[0] : output;
      return { score: bestOf(references, (reference) => metrics[metric](answer, reference, classes)) };
    },
  };
}

export const longBench2: Loader = choiceLoader("longbench2", "LongBench v2: multiple choice over long texts", true);
export const longBench2WithoutContext: Loader = choiceLoader(
  "longbench2_no_context",
  "LongBench v2 without the texts: what can be guessed",
  false,
);

function choiceLoader(id: string, summary: string, withContext: boolean): Loader {
  const loader: Loader = {
    id,
    summary,
    source: words.source,
    license: words.license,
    async load(path, options = {}) {
      const samples = (await readLines(path)).map((line) => choiceSampleOf(line, withContext, options));
      return fileTask({ path, loader, samples, truncation: "middle" });
    },
  };
  return loader;
}

function choiceSampleOf(line: Line, withContext: boolean, { maxTokens }: LoadOptions): FileSample {
  const { v2 } = words;
  const names = ["question", "choice_A", "choice_B", "choice_C", "choice_D"];
  const values = Object.fromEntries(names.map((name) => [name, line.text(name).trim()]));
  const answer = line.text("answer");
  if (!/^[A-D]$/.test(answer)) throw line.wrong("answer", "A, B, C or D");
  const facts = ["domain", "difficulty", "length"].filter((name) => line.has(name));
  return {
    where: line.where,
    document: withContext
      ? aroundDocument(v2.prompt, "context", line.text("context").trim(), values)
      : { before: "", text: "", after: fillIn(v2.promptWithoutContext, values) },
    references: [answer],
    maxTokens: maxTokens ?? v2.maxTokens,
    facts: Object.fromEntries(facts.map((name) => [name === "length" ? "lengthClass" : name, line.text(name)])),
    score(output) {
      const choice = choiceOf(output);
      // Upstream's "compensated" score gives an unreadable answer its chance of 1 in 4.
      return { score: choice === answer ? 1 : 0, compensated: choice === undefined ? 0.25 : choice === answer ? 1 : 0 };
    },
  };
}
