/**
 * LooGLE (Li et al. 2023, https://arxiv.org/abs/2311.04939): JSON lines {input, title, qa_pairs, output}; a line with
 * several questions gives several samples of one document. `qa_pairs` comes as a list, as JSON or Python text, or "none".
 */
import { basename } from "node:path";
import { readJson } from "../data.ts";
import { clippedPrecision } from "../score/clipped-precision.ts";
import { rouge } from "../score/rouge.ts";
import type { Score } from "../types.ts";
import { aroundDocument, bestOf, type FileSample, fileTask, type Loader, type LoadOptions } from "./file-task.ts";
import { type Json, Line, readLines } from "./json-lines.ts";
import { parsePythonLiteral } from "./python-literal.ts";

type LoogleTask = "shortdep_qa" | "longdep_qa" | "longdep_summarization" | "shortdep_cloze";

const words = readJson<{
  readonly source: string;
  readonly license: string;
  readonly tasks: Readonly<Record<LoogleTask, { readonly prompt: string; readonly maxTokens: number }>>;
}>("loogle.json");

export const loogle: Loader = {
  id: "loogle",
  summary: "LooGLE: JSON lines {input, title, qa_pairs, output}: questions, summaries and clozes",
  source: words.source,
  license: words.license,
  async load(path, options = {}) {
    const samples = (await readLines(path)).flatMap((line) => samplesOf(line, path, options));
    return fileTask({ path, loader: loogle, samples, truncation: "middle" });
  },
};

function samplesOf(line: Line, path: string, options: LoadOptions): FileSample[] {
  const pairs = pairsOf(line);
  if (pairs === undefined)
    return [sampleOf(line, "longdep_summarization", "", line.texts("output"), summaryScore, options)];
  return pairs.map((pair) => {
    const question = pair.text("Q");
    const answer = pair.fields.A;
    if (answer !== null && typeof answer === "object" && !Array.isArray(answer)) {
      const gold = answer as Readonly<Record<string, Json>>;
      const masks = Object.entries(gold).map(([mask, name]) => `${mask}: ${name}`);
      if (masks.length === 0) throw pair.wrong("A", "a text, or a name for each mask");
      return sampleOf(line, "shortdep_cloze", question, masks, (output) => clozeScore(output, gold), options);
    }
    const task = basename(path).includes("shortdep") ? "shortdep_qa" : "longdep_qa";
    return sampleOf(line, task, question, pair.texts("A"), summaryScore, options);
  });
}

function pairsOf(line: Line): Line[] | undefined {
  const given = line.fields.qa_pairs;
  if (given === undefined || given === null || given === "none") return undefined;
  const parsed = typeof given === "string" ? parsePythonLiteral(given) : given;
  if (!Array.isArray(parsed) || parsed.length === 0) throw line.wrong("qa_pairs", 'a list of questions, or "none"');
  return parsed.map((pair, i) => new Line(`${line.where} question ${i + 1}`, pair));
}

function sampleOf(
  line: Line,
  task: LoogleTask,
  question: string,
  references: readonly string[],
  score: (output: string, references: readonly string[]) => Score,
  { maxTokens }: LoadOptions,
): FileSample {
  const { prompt, ...given } = words.tasks[task];
  return {
    where: line.where,
    document: aroundDocument(prompt, "input", line.text("input"), { Q: question }),
    references,
    maxTokens: maxTokens ?? given.maxTokens,
    facts: { subtask: task },
    score: (output) => score(output, references),
  };
}

/** score is ROUGE-L's recall: LooGLE reports recall, and its own headline needs a model as judge. */
function summaryScore(output: string, references: readonly string[]): Score {
  const best = (value: (reference: string) => number) => bestOf(references, value);
  return {
    score: best((reference) => rouge(output, reference).rougeL.recall),
    rougeLF1: best((reference) => rouge(output, reference).rougeL.f1),
    rouge1: best((reference) => rouge(output, reference).rouge1.recall),
    rouge2: best((reference) => rouge(output, reference).rouge2.recall),
    bleu1: best((reference) => clippedPrecision(output, reference, 1)),
    bleu4: best((reference) => clippedPrecision(output, reference, 4)),
  };
}

/** score: share of masks named exactly. partial: share with a word in common. */
function clozeScore(output: string, gold: Readonly<Record<string, Json>>): Score {
  const answer = parsePythonLiteral(/\{[^{}]*\}/.exec(output)?.[0] ?? "");
  const named = answer !== null && typeof answer === "object" ? (answer as Readonly<Record<string, Json>>) : {};
  const masks = Object.keys(gold);
  const share = (isRight: (given: string, expected: string) => boolean) =>
    masks.filter((mask) => named[mask] !== undefined && isRight(String(named[mask]), String(gold[mask]))).length /
    masks.length;
  return {
    score: share((given, expected) => given === expected),
    partial: share((given, expected) => given.split(/\s+/).some((word) => expected.split(/\s+/).includes(word))),
  };
}
