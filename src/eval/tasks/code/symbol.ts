/** In which file is a name exported? The path stands at the top of the file, which may be far above the declaration. */
import { InputError } from "../../../runtime/errors.ts";
import { readJson } from "../../data.ts";
import type { Draft, Task } from "../../types.ts";
import { occurrences } from "./occurrences.ts";
import { pathLine, type Repository, repositoryOf } from "./repository.ts";
import { depthOf, filledFromRepository, type Place, placeOf, windowAround } from "./window.ts";

interface SymbolWords {
  readonly instruction: string;
  readonly question: string;
  readonly answerPrefix: string;
}

export interface ExportedSymbol {
  readonly name: string;
  readonly path: string;
  /** The first line of the declaration. */
  readonly place: Place;
}

const maxTokens = 48;

export const symbolLookup: Task = {
  id: "code_symbol",
  family: "code",
  version: 1,
  summary: "name the file of a repository that exports a symbol",
  source: "own; symbol lookup as a companion of RepoQA, https://github.com/evalplus/repoqa",
  license: "own words; default code MIT (zod)",
  sweepsDepth: true,
  cell(cell) {
    const repository = repositoryOf(cell);
    const symbols = exportedSymbols(repository);
    if (symbols.length === 0)
      throw new InputError(
        `--data repo: expected names that one file only exports, got none in ${repository.folder}. Pass --data repo=FOLDER with the sources of a repository of modules.`,
        { expected: "exported names", got: 0 },
      );
    const words = readJson<{ symbol: SymbolWords }>("code.json").symbol;
    const build = (index: number, units: number): Draft => {
      const { name, path, place } = cell.random(index).fork("symbol").pick(symbols);
      const depth = depthOf(index);
      const { code, start } = windowAround(repository, place, units, depth);
      const context = words.instruction + code;
      const needle = words.instruction.length + start;
      const title = context.lastIndexOf(`${pathLine(path)}\n`, needle);
      return {
        parts: {
          context,
          question: words.question.replace("{name}", () => name),
          answerPrefix: words.answerPrefix,
        },
        references: [path],
        maxTokens,
        depth,
        needles: [
          { start: title, end: title + pathLine(path).length },
          { start: needle, end: needle + repository.lines[place.first].length },
        ],
        facts: { name, linesBelowPath: context.slice(title, needle).split("\n").length - 1 },
      };
    };
    return filledFromRepository(cell, build, () => repository.lines.length - 1);
  },
  score: (output, { references }) => ({ score: Number(firstPath(output) === references[0]) }),
};

/** Names that one file declares and exports, and that no file passes on under an explicit name. */
export function exportedSymbols(repository: Repository): ExportedSymbol[] {
  const { files } = repository;
  const passedOn = new Set(files.flatMap(({ reexported }) => reexported));
  const firsts = files.flatMap(({ exported }, fileIndex) =>
    // A type and a value of one name, or overloads, are one symbol.
    exported
      .filter(({ name }, i) => exported.findIndex((other) => other.name === name) === i)
      .map((symbol) => ({ ...symbol, fileIndex })),
  );
  const counts = occurrences(firsts.map(({ name }) => name));
  return (
    firsts
      // Short names are words of the language, or of every other line.
      .filter(({ name }) => name.length >= 5 && counts.get(name) === 1 && !passedOn.has(name))
      .map(({ name, start, fileIndex }) => ({
        name,
        path: files[fileIndex].path,
        place: placeOf(repository, fileIndex, start, start),
      }))
  );
}

/** The first thing in an answer that looks like the path of a source file. */
function firstPath(output: string): string | undefined {
  return output.match(/[\w$@./-]*\w\.[cm]?tsx?\b/)?.[0].replace(/^\.?\//, "");
}
