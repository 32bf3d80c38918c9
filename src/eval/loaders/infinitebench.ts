/**
 * InfiniteBench (Zhang et al. 2024, https://arxiv.org/abs/2402.13718): the published JSON lines {context, input, answer,
 * options}; the file's name tells the task. Prompts are the generic ones, for models that follow instructions.
 */
import { basename } from "node:path";
import { InputError } from "../../runtime/errors.ts";
import { readJson } from "../data.ts";
import { aroundDocument, type FileSample, fileTask, type Loader, type LoadOptions } from "./file-task.ts";
import { infiniteBenchScorers } from "./infinitebench-score.ts";
import { type Line, readLines } from "./json-lines.ts";

const words = readJson<{
  readonly source: string;
  readonly license: string;
  readonly mathFindPrefix: string;
  readonly tasks: Readonly<Record<string, { readonly prompt: string; readonly maxTokens: number }>>;
}>("infinitebench-files.json");

const LETTERS = "ABCD";

export const infiniteBench: Loader = {
  id: "infinitebench",
  summary: "InfiniteBench: its JSON lines {context, input, answer, options}; the file's name tells which of 12 tasks",
  source: words.source,
  license: words.license,
  async load(path, options = {}) {
    const task = Object.keys(words.tasks).find((name) => basename(path).includes(name));
    if (task === undefined)
      throw new InputError(
        `${path}: expected the name of a task of InfiniteBench in the file's name, got ${basename(path)}. They are ${Object.keys(words.tasks).join(", ")}.`,
      );
    const samples = (await readLines(path)).map((line) => sampleOf(line, task, options));
    return fileTask({ path, loader: infiniteBench, samples, truncation: "middle" });
  },
};

function sampleOf(line: Line, task: string, { maxTokens }: LoadOptions): FileSample {
  const { prompt, ...given } = words.tasks[task];
  const input = line.has("input") ? line.text("input") : "";
  const options = line.has("options") ? line.list("options").map(String) : [];
  const needsOptions = prompt.includes("{optionD}");
  if (needsOptions && options.length !== LETTERS.length) throw line.wrong("options", "four options");
  const values: Record<string, string> = {
    input,
    ...Object.fromEntries(options.map((option, i) => [`option${LETTERS[i]}`, option])),
    ...(task === "code_run" && callOf(line, input)),
    ...(task === "math_find" && { prefix: mathFindPrefix(line, input) }),
  };
  const labels = needsOptions ? choiceLabels(line, options) : line.texts("answer");
  return {
    where: line.where,
    document: aroundDocument(prompt, "context", line.text(line.has("content") ? "content" : "context"), values),
    references: labels,
    maxTokens: maxTokens ?? given.maxTokens,
    facts: { subtask: task },
    score: (output) => ({ score: infiniteBenchScorers[task](output, labels) }),
  };
}

/** The right option's text and its letter. */
function choiceLabels(line: Line, options: readonly string[]): string[] {
  const answer = line.texts("answer");
  if (answer.length > 1) return answer;
  const place = options.indexOf(answer[0]);
  if (place === -1) throw line.wrong("answer", "one of the options");
  return [answer[0], LETTERS[place]];
}

function callOf(line: Line, input: string): { func: string; func_call: string } {
  const call = /func_\d+\(-?\d+\)/.exec(line.has("func_call") ? line.text("func_call") : input)?.[0];
  if (call === undefined) throw line.wrong("input", "a call such as func_1(2)");
  return { func: call.split("(")[0], func_call: call };
}

function mathFindPrefix(line: Line, input: string): string {
  const target = /the .+? number|the median/i.exec(input)?.[0];
  if (target === undefined) throw line.wrong("input", "a question for a number of the list");
  return words.mathFindPrefix.replace("{target}", target.toLowerCase());
}
