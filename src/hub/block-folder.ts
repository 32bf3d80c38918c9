/** The folder of a block store: `<first two digits of a key>/<key>`, beside it temporaries `<key>.<unique>.part`. */
import { readdir, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { isBlockKey } from "./block-file.ts";

/** A file that has the name of a block; what is in it is not known. */
export interface BlockFile {
  readonly key: string;
  readonly path: string;
  readonly bytes: number;
  readonly usedAt: Date;
}

export interface FolderContents {
  /** In the order of their keys. */
  readonly files: BlockFile[];
  /** Paths of temporaries whose writer is long gone. */
  readonly abandoned: string[];
}

/** No block takes so long to write. */
const ABANDONED_MS = 3_600_000;

export function groupOf(folder: string, key: string): string {
  return join(folder, key.slice(0, 2));
}

export function pathOf(folder: string, key: string): string {
  return join(groupOf(folder, key), key);
}

/** What is in the folder now. Other files than ours are passed over; what vanishes meanwhile is simply not there. */
export async function lookInto(folder: string): Promise<FolderContents> {
  const found: FolderContents = { files: [], abandoned: [] };
  const groups = (await namesIn(folder)).filter((name) => /^[0-9a-f]{2}$/.test(name)).sort();
  for (const group of groups) {
    const names = (await namesIn(join(folder, group))).filter((name) => name.startsWith(group)).sort();
    const facts = await Promise.all(names.map((name) => ifThere(stat(join(folder, group, name)))));
    for (const [i, name] of names.entries()) {
      const fact = facts[i];
      if (!fact?.isFile()) continue;
      const path = join(folder, group, name);
      if (isBlockKey(name)) found.files.push({ key: name, path, bytes: fact.size, usedAt: fact.mtime });
      else if (name.endsWith(".part") && Date.now() - fact.mtimeMs > ABANDONED_MS) found.abandoned.push(path);
    }
  }
  return found;
}

/** Removes a file, unless somebody else just did. */
export async function removeFile(path: string): Promise<void> {
  await ifThere(unlink(path));
}

/** What the operation gives, or undefined if its file or folder does not exist. */
export async function ifThere<T>(operation: Promise<T>): Promise<T | undefined> {
  return operation.catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT" || cause.code === "ENOTDIR") return undefined;
    throw cause;
  });
}

async function namesIn(folder: string): Promise<string[]> {
  return (await ifThere(readdir(folder))) ?? [];
}
