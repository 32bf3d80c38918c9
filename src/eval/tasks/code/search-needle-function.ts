/**
 * RepoQA's searching-needle-function: repeat the function that a description means, out of a long piece of a
 * repository (Liu et al. 2024, https://github.com/evalplus/repoqa, Apache-2.0). Two sources of descriptions: `code_snf`
 * has some written by hand for functions of zod, `code_snf_signature` derives one for any function of any repository.
 */
import { createHash } from "node:crypto";
import { InputError } from "../../../runtime/errors.ts";
import { readJson } from "../../data.ts";
import type { Cell, Draft, Task } from "../../types.ts";
import { scoreFunction } from "./answer.ts";
import { describe } from "./describe.ts";
import { occurrences } from "./occurrences.ts";
import { type Repository, readRepository, repositoryOf, zodFolder } from "./repository.ts";
import type { FunctionText } from "./typescript.ts";
import { depthOf, filledFromRepository, type Place, placeOf, windowAround } from "./window.ts";

interface CodeData {
  readonly searchNeedleFunction: { readonly instruction: string; readonly question: string };
  readonly library: string;
  readonly described: readonly { readonly name: string; readonly sha256: string; readonly description: string[] }[];
}

/** A function that is asked for. */
export interface Needle {
  readonly text: string;
  readonly path: string;
  readonly place: Place;
  /** Of `text` on its first line. */
  readonly column: number;
  readonly description: string;
}

/** RepoQA's bound for a function that is asked for. */
const mostBytes = 2000;

export const searchNeedleFunction: Task = {
  ...task("code_snf", "repeat the function of zod that a description written by hand means"),
  cell(cell) {
    const repository = readRepository(zodFolder());
    const needles = cell.random("order").shuffle(describedNeedles(repository));
    return samples(cell, repository, (index) => needles[index % needles.length]);
  },
};

export const searchNeedleFunctionBySignature: Task = {
  ...task("code_snf_signature", "repeat the function that its own comment, or its types and steps without names, mean"),
  cell(cell) {
    const repository = repositoryOf(cell);
    const needles = signatureNeedles(repository);
    if (needles.length === 0)
      throw new InputError(
        `--data repo: expected functions with a name and a shape of their own, got none in ${repository.folder}. Pass --data repo=FOLDER with the sources of a larger repository.`,
        { expected: "functions", got: 0 },
      );
    return samples(cell, repository, (index) => cell.random(index).fork("needle").pick(needles));
  },
};

/** Functions with a description written by hand that are, word for word, those it was written for. */
export function describedNeedles(repository: Repository): Needle[] {
  const { described } = readJson<CodeData>("code.json");
  const descriptions = new Map(described.map(({ sha256, description }) => [sha256, numbered(description)]));
  const needles = candidates(repository).flatMap(({ fileIndex, found }) => {
    const description = descriptions.get(createHash("sha256").update(found.text).digest("hex"));
    return description === undefined ? [] : [needleOf(repository, fileIndex, found, description)];
  });
  if (needles.length === 0)
    throw new InputError(
      `code_snf: expected the zod whose functions are described, got another version in ${repository.folder}. Install the version that Longspan was published with.`,
      { expected: described.length, got: 0 },
    );
  return needles;
}

/** Functions whose automatic description fits no other function of the repository. */
export function signatureNeedles(repository: Repository): Needle[] {
  const library = new Set(readJson<CodeData>("code.json").library.split(" "));
  const all = candidates(repository).map(({ fileIndex, found }) => {
    const { text, quotesDoc } = describe(found, library);
    return needleOf(repository, fileIndex, found, text, quotesDoc);
  });
  const counts = occurrences(all.map(({ description }) => description));
  return all.filter(({ description }) => counts.get(description) === 1);
}

/** Functions at the top level of a file with a name that no other function of the repository has. */
function candidates({ files }: Repository): { fileIndex: number; found: FunctionText }[] {
  const names = occurrences(files.flatMap(({ functionNames }) => functionNames));
  return files.flatMap(({ functions }, fileIndex) =>
    functions
      .filter(({ name, text }) => names.get(name) === 1 && Buffer.byteLength(text) <= mostBytes)
      .map((found) => ({ fileIndex, found })),
  );
}

function needleOf(
  repository: Repository,
  fileIndex: number,
  { text, start, docStart }: FunctionText,
  description: string,
  hidesDoc = false,
): Needle {
  const file = repository.files[fileIndex];
  const place = placeOf(repository, fileIndex, start, start + text.length);
  const hidden = hidesDoc ? place.first - placeOf(repository, fileIndex, docStart!, docStart!).first : 0;
  const column = start - (file.text.lastIndexOf("\n", start - 1) + 1);
  return { text, path: file.path, place: { ...place, hidden }, column, description };
}

function samples(cell: Cell, repository: Repository, needleAt: (index: number) => Needle): (index: number) => Draft {
  const { searchNeedleFunction: words } = readJson<CodeData>("code.json");
  const build = (index: number, units: number): Draft => {
    const { text, path, place, column, description } = needleAt(index);
    const depth = depthOf(index);
    const { code, start } = windowAround(repository, place, units, depth);
    const needleStart = words.instruction.length + start + column;
    return {
      parts: {
        context: words.instruction + code,
        question: words.question
          .replace("{description}", () => description)
          .replace("{instruction}", words.instruction),
      },
      references: [text],
      // RepoQA always leaves 1,024 tokens; room for the function itself, with its fence, keeps short contexts useful.
      maxTokens: Math.ceil(cell.countTokens(text) * 1.25) + 32,
      depth,
      needles: [{ start: needleStart, end: needleStart + text.length }],
      facts: { path },
    };
  };
  const most = (index: number) => {
    const { first, last, hidden = 0 } = needleAt(index).place;
    return repository.lines.length - (last - first + 1) - hidden;
  };
  return filledFromRepository(cell, build, most);
}

function numbered(parts: readonly string[]): string {
  return parts.map((part, index) => `${index + 1}. ${part}`).join("\n");
}

function task(id: string, summary: string): Omit<Task, "cell"> {
  return {
    id,
    family: "code",
    version: 1,
    summary,
    source: "RepoQA (Liu et al. 2024), https://github.com/evalplus/repoqa",
    license: "instruction Apache-2.0 (RepoQA); default code MIT (zod)",
    sweepsDepth: true,
    score: (output, { references, parts }) => scoreFunction(output, references[0], parts.context),
  };
}
