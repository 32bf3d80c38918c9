/** Makes a task of a file's samples, in the file's order. */
import { basename, extname } from "node:path";
import { InputError } from "../../runtime/errors.ts";
import type { Cell, Draft, Parts, PromptMode, Score, Task } from "../types.ts";
import { type Document, fitDocument, type Truncation } from "./truncate.ts";

export interface FileTask extends Task {
  readonly sampleCount: number;
  /** The mode that the benchmark prescribes, if it does. */
  readonly mode?: PromptMode;
}

export interface LoadOptions {
  /** Answer tokens of samples that do not say themselves. */
  readonly maxTokens?: number;
}

/** Whose file it is: a benchmark's, or anybody's. */
export interface Loader {
  readonly id: string;
  readonly summary: string;
  readonly source: string;
  readonly license: string;
  load(path: string, options?: LoadOptions): Promise<FileTask>;
}

export interface FileSample {
  /** File and line, for errors. */
  readonly where: string;
  readonly document: Document;
  readonly answerPrefix?: string;
  readonly references: readonly string[];
  readonly maxTokens: number;
  readonly stop?: readonly string[];
  readonly facts?: Draft["facts"];
  score(output: string): Score;
}

export interface FileTaskOptions {
  readonly path: string;
  readonly loader: Pick<Loader, "id" | "summary" | "source" | "license">;
  readonly samples: readonly FileSample[];
  readonly truncation: Truncation;
  readonly mode?: PromptMode;
}

/** Id: loader and file name, "longbench_qasper". Samples of one document share a group; no document is shared by none. */
export function fileTask({ path, loader, samples, truncation, mode }: FileTaskOptions): FileTask {
  const name = basename(path, extname(path)).replace(/[^\w.-]+/g, "_");
  const groups = new Map<string, string>();
  for (const [i, { document }] of samples.entries())
    if (!groups.has(document.text)) groups.set(document.text, `document ${i}`);
  const sampleAt = (index: number) => {
    if (index < samples.length) return samples[index];
    throw new InputError(
      `${path}: expected at most ${samples.length} samples, got sample ${index + 1}. Ask for fewer.`,
    );
  };
  return {
    id: `${loader.id}_${name}`,
    family: loader.id,
    version: 1,
    summary: loader.summary,
    source: loader.source,
    license: loader.license,
    sampleCount: samples.length,
    ...(mode && { mode }),
    cell: (cell) => (index) => {
      const sample = sampleAt(index);
      return draftOf(
        cell,
        sample,
        index,
        truncation,
        sample.document.text === "" ? `sample ${index}` : groups.get(sample.document.text)!,
      );
    },
    score: (output, { facts }) => sampleAt(Number(facts!.sample)).score(output),
  };
}

function draftOf(cell: Cell, sample: FileSample, index: number, truncation: Truncation, group: string): Draft {
  const { document, answerPrefix, references, maxTokens, stop } = sample;
  const partsOf = (text: string): Parts => ({
    context: document.before + text,
    question: document.after,
    ...(answerPrefix !== undefined && { answerPrefix }),
  });
  const { text, truncatedTokens } = fitDocument(cell, document, truncation, maxTokens, partsOf, sample.where);
  return {
    parts: partsOf(text),
    references,
    maxTokens,
    ...(stop && { stop }),
    group,
    facts: { ...sample.facts, sample: index, truncatedTokens },
  };
}

/** A template's two sides of {name}, all other names filled in. */
export function aroundDocument(
  template: string,
  name: string,
  text: string,
  values: Readonly<Record<string, string>>,
): Document {
  const [before, after] = template.split(`{${name}}`).map((side) => fillIn(side, values));
  return { before, text, after: after ?? "" };
}

/** Names without a value stay: templates have braces of their own. */
export function fillIn(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** The best score over several references: what most benchmarks count. */
export function bestOf(references: readonly string[], score: (reference: string) => number): number {
  return Math.max(...references.map(score));
}
