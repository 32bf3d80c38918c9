/**
 * Any file of `{input, outputs, answer_prefix?, max_tokens?}` lines, the form that RULER's generators write: the prompt as
 * it stands, in raw mode, scored by the share of `outputs` that occur in the answer, upper and lower case alike.
 */
import { stringMatchAll } from "../score/string-match.ts";
import { type FileSample, fileTask, type Loader, type LoadOptions } from "./file-task.ts";
import { type Line, readLines } from "./json-lines.ts";

/** RULER's own for its needle tasks. */
const DEFAULT_MAX_TOKENS = 128;

export const samplesFile: Loader = {
  id: "file",
  summary:
    "Samples of a file: {input, outputs, answer_prefix?, max_tokens?} lines, scored by string match of all outputs",
  source: "The user's file.",
  license: "The user's file.",
  async load(path, options = {}) {
    const samples = (await readLines(path)).map((line) => sampleOf(line, options));
    return fileTask({ path, loader: samplesFile, samples, truncation: "none", mode: "raw" });
  },
};

function sampleOf(line: Line, { maxTokens = DEFAULT_MAX_TOKENS }: LoadOptions): FileSample {
  const references = line.texts("outputs");
  if (references.includes("")) throw line.wrong("outputs", "texts that are not empty");
  return {
    where: line.where,
    document: { before: "", text: line.text("input"), after: "" },
    ...(line.has("answer_prefix") && { answerPrefix: line.text("answer_prefix") }),
    references,
    maxTokens: line.has("max_tokens") ? line.count("max_tokens") : maxTokens,
    score: (output) => ({ score: stringMatchAll(output, references) }),
  };
}
