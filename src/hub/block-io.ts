/** What a block store does with single files: writing them whole, marking them as used, reading headers, evicting. */
import { randomUUID } from "node:crypto";
import { open, rename, rm, stat, utimes } from "node:fs/promises";
import { InputError } from "../runtime/errors.ts";
import { headerEnd, PREFIX_BYTES, parseHeader } from "./block-file.ts";
import { type BlockFile, ifThere, removeFile } from "./block-folder.ts";
import { leastUsefulFirst, withAllBefore } from "./contexts.ts";
import { pinsIn } from "./pins.ts";
import type { StoredBlock } from "./stored-block.ts";

/** A file is marked as used at most so often. */
const TOUCH_MS = 60_000;
/** Files opened at once, far below what systems allow. */
const BATCH = 64;

/** Under a name of its own until it is whole. No sync: after a power cut the checksum tells what is hollow. */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const part = `${path}.${randomUUID()}.part`;
  try {
    const handle = await open(part, "wx");
    try {
      await handle.writeFile(bytes);
    } finally {
      await handle.close();
    }
    await rename(part, path);
  } catch (cause) {
    await rm(part, { force: true }).catch(() => {});
    throw cause;
  }
}

/** Marks the file as used now and resolves to whether it exists. A mark that fails is no failure: it may not be our file. */
export async function touch(path: string): Promise<boolean> {
  const facts = await ifThere(stat(path));
  const now = new Date();
  if (facts && Math.abs(now.getTime() - facts.mtimeMs) > TOUCH_MS) await utimes(path, now, now).catch(() => {});
  return facts !== undefined;
}

/** What the headers say; files without a sound one are left out. */
export async function describeAll(files: readonly BlockFile[]): Promise<StoredBlock[]> {
  const blocks: StoredBlock[] = [];
  for (let start = 0; start < files.length; start += BATCH) {
    const batch = await Promise.all(
      files.slice(start, start + BATCH).map((file) => describe(file).catch(() => undefined)),
    );
    blocks.push(...batch.filter((block) => block !== undefined));
  }
  return blocks;
}

async function describe({ key, path, bytes, usedAt }: BlockFile): Promise<StoredBlock> {
  const handle = await open(path, "r");
  try {
    const prefix = Buffer.alloc(PREFIX_BYTES);
    await handle.read(prefix, 0, PREFIX_BYTES, 0);
    const header = Buffer.alloc(headerEnd(prefix, bytes) - PREFIX_BYTES);
    await handle.read(header, 0, header.length, PREFIX_BYTES);
    return { ...parseHeader(header, key), key, bytes, usedAt };
  } finally {
    await handle.close();
  }
}

/**
 * Removes files of the folder, what is no block first and then the least useful, until `bytes` are free or only blocks of
 * pinned contexts are left. Resolves to the bytes removed.
 */
export async function evict(folder: string, files: readonly BlockFile[], bytes: number): Promise<number> {
  const byKey = new Map(files.map((file) => [file.key, file]));
  const blocks = await describeAll(files);
  const isBlock = new Set(blocks.map(({ key }) => key));
  // Looked up last: a pin that is set while headers are read counts.
  const pinned = withAllBefore(await pinsIn(folder), blocks);
  const order = [
    ...files.filter(({ key }) => !isBlock.has(key)),
    ...leastUsefulFirst(blocks).filter(({ key }) => !pinned.has(key)),
  ];
  let removed = 0;
  for (const { key } of order) {
    if (removed >= bytes) break;
    const file = byKey.get(key)!;
    await removeFile(file.path);
    removed += file.bytes;
  }
  return removed;
}

/** Turns what the operating system says about a write into an error with advice; anything else stays as it is. */
export function explainWriteError(folder: string, cause: unknown): unknown {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === undefined || cause instanceof InputError) return cause;
  const [problem, advice] =
    code === "ENOSPC" || code === "EDQUOT"
      ? [
          "the disk is full",
          "Free some space, for example with `longspan cache drop --all`, or set LONGSPAN_HOME to a folder on another disk.",
        ]
      : ["the context cache cannot be written", "Allow writing there, or set LONGSPAN_HOME to a folder of yours."];
  return new InputError(`${folder}: ${problem} (${code}). ${advice}`, { got: code });
}
