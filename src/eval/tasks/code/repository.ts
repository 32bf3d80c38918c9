/**
 * A TypeScript repository as one long text, the way RepoQA lays it out: files in an order in which dependencies come
 * first (depth-first post-order of the imports), each opened by a line `// Path: p`.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, posix, resolve } from "node:path";
import { globSync } from "tinyglobby";
import { InputError } from "../../../runtime/errors.ts";
import type { Cell } from "../../types.ts";
import { type ParsedFile, parseFile } from "./typescript.ts";

export interface CodeFile extends ParsedFile {
  /** Relative to the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** Line of the repository on which its text begins; the line before is its path. */
  readonly firstLine: number;
}

export interface Repository {
  readonly folder: string;
  readonly files: readonly CodeFile[];
  /** Without line ends. */
  readonly lines: readonly string[];
  /** For each line, its file. */
  readonly fileOfLine: readonly CodeFile[];
}

// Seconds of parsing for a repository that does not change while a run goes on, shared by tasks and lengths.
const repositories = new Map<string, Repository>();

/** The repository that the user points to (`--data repo=FOLDER`), or the sources of zod. */
export function repositoryOf(cell: Cell): Repository {
  const given = cell.files.get("repo");
  return readRepository(given === undefined ? zodFolder() : resolve(given));
}

/** Sources that come with a dependency of ours, MIT licence, © Colin McDonnell. */
export function zodFolder(): string {
  return join(dirname(createRequire(import.meta.url).resolve("zod/package.json")), "src");
}

export function readRepository(folder: string): Repository {
  const repository = repositories.get(folder) ?? layOut(folder);
  repositories.set(folder, repository);
  return repository;
}

export function pathLine(path: string): string {
  return `// Path: ${path}`;
}

function layOut(folder: string): Repository {
  // Tests repeat what they test, and would answer for it.
  const ignore = ["**/node_modules/**", "**/*.d.ts", "**/*.{test,spec}.*", "**/{test,tests,__tests__}/**"];
  const paths = globSync(["**/*.{ts,tsx,mts,cts}"], { cwd: folder, ignore, expandDirectories: false });
  if (paths.length === 0)
    throw new InputError(
      `--data repo: expected a folder with TypeScript files, got ${folder}. Pass --data repo=FOLDER with the sources of a repository.`,
      { expected: "TypeScript files", got: folder },
    );
  const parsed = new Map<string, ParsedFile & { path: string; text: string }>();
  for (const path of paths.sort()) {
    const text = readFileSync(join(folder, path), "utf8").replaceAll("\r\n", "\n").trimEnd();
    parsed.set(path, { path, text, ...parseFile(path, text) });
  }

  const lines: string[] = [];
  const fileOfLine: CodeFile[] = [];
  const files = dependenciesFirst(parsed).map((path) => {
    const file: CodeFile = { ...parsed.get(path)!, firstLine: lines.length + 1 };
    for (const line of [pathLine(path), ...file.text.split("\n")]) {
      lines.push(line);
      fileOfLine.push(file);
    }
    return file;
  });
  return { folder, files, lines, fileOfLine };
}

function dependenciesFirst(files: ReadonlyMap<string, ParsedFile>): string[] {
  const order = new Set<string>();
  const entered = new Set<string>();
  const visit = (path: string): void => {
    if (entered.has(path)) return;
    entered.add(path);
    for (const module of files.get(path)!.imports) {
      const target = resolveModule(posix.join(posix.dirname(path), module), files);
      if (target !== undefined) visit(target);
    }
    order.add(path);
  };
  for (const path of files.keys()) visit(path);
  return [...order];
}

/** `./a.js`, `./a`, `./a.ts` and the folder `./a` all mean a file of ours. */
function resolveModule(module: string, files: ReadonlyMap<string, unknown>): string | undefined {
  const stem = module.replace(/\.[cm]?[jt]sx?$/, "");
  const endings = [".ts", ".tsx", ".mts", ".cts"];
  return [...endings.map((ending) => stem + ending), ...endings.map((ending) => `${module}/index${ending}`)].find(
    (path) => files.has(path),
  );
}
