/** Every file below a folder that a person would call its contents: nothing hidden, ignored by git, or installed. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { explainFileError } from "./bytes.ts";
import { openIgnoreRules } from "./ignore-rules.ts";
import { sortBytewise } from "./list.ts";

/**
 * Written by package managers for themselves: thousands of lines of checksums, in which nobody looks for an answer.
 * Whoever wants one read names it.
 */
const lockFile =
  /\.lock$|^(package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|bun\.lockb|go\.(work\.)?sum|packages\.lock\.json|gradle\.lockfile|Package\.resolved)$/;

/** Paths relative to `root`, with forward slashes, in byte order. */
export async function walkFolder(
  root: string,
  options: { signal?: AbortSignal; onSkip?(path: string, reason: string): void },
): Promise<string[]> {
  const rules = await openIgnoreRules(root);
  const files: string[] = [];
  const folders = [""];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    options.signal?.throwIfAborted();
    await rules.enter(folder);
    for (const entry of await list(folder)) {
      if (entry.name.startsWith(".") || entry.name === "node_modules") continue;
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (rules.ignores(entry.isDirectory() ? `${path}/` : path)) continue;
      if (entry.isDirectory()) folders.push(path);
      else if (entry.isFile() && lockFile.test(entry.name)) options.onSkip?.(join(root, path), "is a lock file");
      else if (entry.isFile()) files.push(path);
      // Following links could leave the folder, or never end.
      else options.onSkip?.(join(root, path), entry.isSymbolicLink() ? "is a symbolic link" : "is not a regular file");
    }
  }
  return sortBytewise(files);

  async function list(folder: string) {
    try {
      return await readdir(join(root, folder), { withFileTypes: true });
    } catch (cause) {
      const error = explainFileError(join(root, folder), cause) as Error;
      if (folder === "") throw error;
      options.onSkip?.(join(root, folder), error.message.replace(`${join(root, folder)}: `, ""));
      return [];
    }
  }
}
