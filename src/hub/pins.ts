/**
 * Pins of a block store: an empty file `pins/<key>` says that the context that ends with this block is kept. Setting and
 * taking one back is one system call, so that any number of processes may do it.
 */
import { mkdir, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { isBlockKey } from "./block-file.ts";
import { ifThere, removeFile } from "./block-folder.ts";

/** Keys that are pinned; there may be no such block (any more). */
export async function pinsIn(folder: string): Promise<ReadonlySet<string>> {
  const names = (await ifThere(readdir(pinsOf(folder)))) ?? [];
  return new Set(names.filter(isBlockKey));
}

/** Rejects with a system error if the folder cannot be written. */
export async function addPin(folder: string, key: string): Promise<void> {
  await mkdir(pinsOf(folder), { recursive: true });
  const handle = await open(join(pinsOf(folder), key), "a");
  await handle.close();
}

export async function removePin(folder: string, key: string): Promise<void> {
  await removeFile(join(pinsOf(folder), key));
}

function pinsOf(folder: string): string {
  return join(folder, "pins");
}
