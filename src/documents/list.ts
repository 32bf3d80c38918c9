/** One path of a command line -> the files it stands for: itself, a folder's contents, a glob's matches, standard input. */
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { InputError } from "../runtime/errors.ts";
import { explainFileError, standardInput } from "./bytes.ts";

export interface ListedFile {
  path: string;
  /** Tells whether two paths are one file. */
  absolutePath: string;
  /** Named itself, not found in a folder or by a glob. */
  isNamed: boolean;
}

interface ListOptions {
  signal?: AbortSignal;
  onSkip?(path: string, reason: string): void;
}

export async function listFiles(path: string, options: ListOptions): Promise<ListedFile[]> {
  if (path === "-") return [{ path: standardInput, absolutePath: standardInput, isNamed: true }];
  const kind = await kindOf(path);
  if (kind === "glob") return (await matchGlob(path, options.signal)).map((match) => listed(match, false));
  if (kind === "file") return [listed(path, true)];
  const { walkFolder } = await import("./folder.ts");
  const found = await walkFolder(path, options);
  return found.map((name) => listed(join(path, name), false));
}

function listed(path: string, isNamed: boolean): ListedFile {
  return { path, absolutePath: resolve(path), isNamed };
}

/** A path that exists is that file, whatever characters it has; only one that does not can be a pattern. */
async function kindOf(path: string): Promise<"file" | "folder" | "glob"> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) return "folder";
    // A FIFO is what a shell's <(command) gives.
    if (found.isFile() || found.isFIFO()) return "file";
    throw new InputError(`${path}: expected a file or folder, got a device or socket. Give the path of a file.`);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") {
      const { isDynamicPattern } = await import("tinyglobby");
      if (isDynamicPattern(path)) return "glob";
    }
    throw explainFileError(path, cause);
  }
}

/** Hidden files match only a pattern that says so, node_modules only one that names it. */
async function matchGlob(pattern: string, signal?: AbortSignal): Promise<string[]> {
  const { glob, isDynamicPattern } = await import("tinyglobby");
  // Searched from the last folder that the pattern names outright: exclusions hold below the search's own folder only.
  const segments = pattern.split("/");
  const depth = segments.findIndex((segment) => isDynamicPattern(segment));
  const base = segments.slice(0, depth).join("/") || (pattern.startsWith("/") ? "/" : ".");
  const found = await glob(segments.slice(depth).join("/"), {
    cwd: base,
    ignore: ["**/.git/**", ...(pattern.includes("node_modules") ? [] : ["**/node_modules/**"])],
    expandDirectories: false,
    signal,
  });
  if (found.length === 0)
    throw new InputError(`${pattern}: expected a pattern that matches files, it matches none. Check the pattern.`);
  return sortBytewise(found.map((path) => join(base, path)));
}

/** The same order on every machine, whatever its locale. */
export function sortBytewise(paths: string[]): string[] {
  return paths
    .map((path) => Buffer.from(path))
    .sort(Buffer.compare)
    .map(String);
}
