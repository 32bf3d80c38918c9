/**
 * HELMET (Yen et al. 2024, https://arxiv.org/abs/2410.02694): its JSON lines, told apart by their fields: JSON key-value
 * pairs, RULER needles, retrieval-augmented questions, re-ranking, and questions about one long text. The official runs
 * put two solved examples from a second file before questions and rankings; one file has none, so these run without.
 */
import { readJson } from "../data.ts";
import { parsedAnswer } from "../score/parsed-answer.ts";
import { ndcg, rankingOf } from "../score/ranking.ts";
import { stringMatchAll } from "../score/string-match.ts";
import { substringMatch, tokenF1 } from "../score/token-f1.ts";
import type { Score } from "../types.ts";
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

type Kind = "json_kv" | "ruler_one" | "ruler_all" | "rag" | "rerank" | "longqa";

interface KindWords {
  readonly prompt: string;
  readonly answerPrefix: string;
  readonly maxTokens: number;
  readonly parsePrefix?: string;
  readonly stop?: readonly string[];
  /** Asked with the chat template; the others without. */
  readonly chat?: boolean;
  readonly passage?: string;
  readonly untitledPassage?: string;
  readonly demonstration?: string;
}

const words = readJson<{
  readonly source: string;
  readonly license: string;
  readonly kinds: Readonly<Record<Kind, KindWords>>;
}>("helmet.json");

/** As in HELMET's runs. */
const DEMONSTRATIONS = 2;
const RANKED = 10;

export const helmet: Loader = {
  id: "helmet",
  summary: "HELMET: its JSON lines of key-value pairs, RULER needles, retrieved passages, rankings and long questions",
  source: words.source,
  license: words.license,
  async load(path, options = {}) {
    const lines = await readLines(path);
    const samples = lines.map((line) => sampleOf(line, kindOf(line, path), options));
    const isRaw = lines.every((line) => !words.kinds[kindOf(line, path)].chat);
    return fileTask({ path, loader: helmet, samples, truncation: "right", ...(isRaw && { mode: "raw" }) });
  },
};

function kindOf(line: Line, path: string): Kind {
  if (line.has("num_kvs") || line.has("demos")) return "json_kv";
  if (line.has("type_needle_v")) return /multi(?:value|query)|niah_m[vq]/.test(path) ? "ruler_all" : "ruler_one";
  if (line.has("ctxs")) return line.has("qid") ? "rerank" : "rag";
  return "longqa";
}

function sampleOf(line: Line, kind: Kind, { maxTokens }: LoadOptions): FileSample {
  const given = words.kinds[kind];
  const values = valuesOf(line, kind);
  const context = line.has("ctxs")
    ? line
        .lines("ctxs")
        .map((passage) => sayPassage(passage, given))
        .join("\n\n")
    : line.text("context");
  const references =
    kind === "rerank"
      ? rankedIds(line)
      : line.texts(line.has("answers") ? "answers" : line.has("outputs") ? "outputs" : "answer");
  return {
    where: line.where,
    document: aroundDocument(given.prompt, "context", context, values),
    answerPrefix: fillIn(given.answerPrefix, values),
    references,
    maxTokens: maxTokens ?? given.maxTokens,
    ...(given.stop && { stop: given.stop }),
    facts: { subtask: kind },
    score: scorerOf(line, kind, references),
  };
}

function valuesOf(line: Line, kind: Kind): Record<string, string> {
  if (kind === "ruler_one" || kind === "ruler_all")
    return { type_needle_v: line.text("type_needle_v"), query: line.text("query") };
  const question = line.text(kind === "rerank" ? "query" : "question");
  if (kind !== "json_kv") return { question };
  const solved = (line.has("demos") ? line.list("demos") : []).slice(0, DEMONSTRATIONS).map((pair) => {
    if (!Array.isArray(pair) || pair.length !== 2) throw line.wrong("demos", "pairs of key and value");
    return `${fillIn(words.kinds.json_kv.demonstration!, { key: String(pair[0]), value: String(pair[1]) })}\n\n`;
  });
  return { question, demos: solved.join("") };
}

function sayPassage(passage: Line, { passage: titled, untitledPassage }: KindWords): string {
  const template = passage.has("title") ? titled! : (untitledPassage ?? titled!);
  const names = ["id", "title", "text"].filter((name) => passage.has(name) || name === "text");
  return fillIn(template, Object.fromEntries(names.map((name) => [name, passage.text(name)])));
}

function rankedIds(line: Line): string[] {
  return [...relevanceOf(line)].sort(([, a], [, b]) => b - a).map(([id]) => id);
}

function relevanceOf(line: Line): Map<string, number> {
  return new Map(line.lines("ctxs").map((passage) => [passage.text("id"), Number(passage.text("label"))]));
}

function scorerOf(line: Line, kind: Kind, references: readonly string[]): (output: string) => Score {
  if (kind === "ruler_one" || kind === "ruler_all") return (output) => ({ score: stringMatchAll(output, references) });
  if (kind === "rerank") {
    const relevance = relevanceOf(line);
    return (output) => ({ score: ndcg(rankingOf(output), relevance, RANKED) });
  }
  const prefix = words.kinds[kind].parsePrefix!;
  // The answer as it is and as parsed, whichever is better: upstream's rule.
  const better = (output: string, score: (text: string) => number) =>
    Math.max(score(output), score(parsedAnswer(output, prefix)));
  return (output) => ({
    score: better(output, (text) => substringMatch(text, references)),
    f1: better(output, (text) => bestOf(references, (reference) => tokenF1(text, reference))),
  });
}
