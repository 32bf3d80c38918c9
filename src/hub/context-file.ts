/**
 * One context as one file, to take it to another machine:
 *   "LSPNCTX1" │ for each block, the first of the text first: u32 LE bytes, the block's file as it is on disk │ u32 0
 * The end is marked, so that a file that lost whole blocks at its end is recognised.
 */
import { randomUUID } from "node:crypto";
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { InputError } from "../runtime/errors.ts";
import { DamagedBlock, decodeNamedBlock } from "./block-file.ts";
import { ifThere } from "./block-folder.ts";
import type { DiskBlockStore } from "./block-store.ts";
import type { Context } from "./contexts.ts";
import type { BlockAbout } from "./stored-block.ts";

export interface TransferOptions {
  readonly signal?: AbortSignal;
  /** Bytes of the context file that are done. */
  readonly onProgress?: (bytes: number) => void;
}

export interface ExportOptions extends TransferOptions {
  /** Replace a file that is there. */
  readonly force?: boolean;
}

export interface ImportedContext {
  /** Of its last block. */
  readonly key: string;
  readonly model: string;
  readonly tokens: number;
  readonly blocks: number;
  /** Of these, blocks that were not there already. */
  readonly newBlocks: number;
}

const MAGIC = Buffer.from("LSPNCTX1");
const LENGTH_BYTES = 4;
/** Far above any model's block: a length beyond it is damage, and no memory is taken for it. */
const MAX_BLOCK_BYTES = 2 ** 30;

/** Of the file that exportContext() writes. */
export function contextFileBytes({ bytes, keys }: Context): number {
  return MAGIC.length + bytes + (keys.length + 1) * LENGTH_BYTES;
}

/**
 * Writes the file, under another name until it is whole; one block at a time is in memory. Throws InputError if the file is
 * there already, cannot be written, or if a block of the context is missing, damaged or removed meanwhile; nothing is left then.
 */
export async function exportContext(
  store: DiskBlockStore,
  context: Context,
  path: string,
  { force = false, signal, onProgress }: ExportOptions = {},
): Promise<void> {
  if (!context.isComplete) throw explainMissing(context, "its beginning");
  await expectFree(path, force);
  const part = `${path}.${randomUUID()}.part`;
  try {
    const file = await open(part, "wx");
    try {
      let done = await append(file, MAGIC);
      for (const [i, key] of context.keys.toReversed().entries()) {
        signal?.throwIfAborted();
        const block = await store.file(key);
        if (!block) throw explainMissing(context, `block ${i + 1} of ${context.keys.length}`);
        done += (await append(file, lengthOf(block.length))) + (await append(file, block));
        onProgress?.(done);
      }
      done += await append(file, lengthOf(0));
      onProgress?.(done);
    } finally {
      await file.close();
    }
    await expectFree(path, force);
    await rename(part, path);
  } catch (cause) {
    await rm(part, { force: true }).catch(() => {});
    throw explainFileError(path, cause, "Give the name of a file in a folder that you may write, on a disk with room.");
  }
}

/**
 * Puts the blocks of a file into a store; one at a time is in memory. Each is verified before it is put: its checksum, and
 * that it names the one before it. Throws InputError for a file that is not whole; the sound blocks before the damage stay
 * in the store. That a block's pages are those of its text cannot be seen: whoever made the file is trusted in that.
 */
export async function importContext(
  store: DiskBlockStore,
  path: string,
  { signal, onProgress }: TransferOptions = {},
): Promise<ImportedContext> {
  let imported: ImportedContext | undefined;
  for await (const { key, about, payload, end } of blocksOf(path, signal)) {
    const isNew = (await store.get(key)) === undefined;
    if (isNew) await store.put(key, payload, about);
    const { blocks = 0, newBlocks = 0 } = imported ?? {};
    const { model, tokens } = about;
    imported = { key, model, tokens, blocks: blocks + 1, newBlocks: newBlocks + Number(isNew) };
    onProgress?.(end);
  }
  return imported!; // blocksOf() refuses a file without blocks.
}

interface FileBlock {
  readonly key: string;
  readonly about: BlockAbout;
  readonly payload: Uint8Array;
  /** Where it ends, in bytes from the file's start. */
  readonly end: number;
}

/** The blocks of a file, the first of the text first. Throws InputError at the first place that is not sound. */
async function* blocksOf(path: string, signal?: AbortSignal): AsyncGenerator<FileBlock> {
  const file = await open(path, "r").catch((cause) => {
    throw explainFileError(path, cause, "Check the path.");
  });
  let blocks = 0;
  let place = 0;
  let parent: string | undefined;
  try {
    const magic = Buffer.alloc(MAGIC.length);
    await file.read(magic);
    if (!magic.equals(MAGIC))
      throw new InputError(
        `${path}: expected a file made by longspan cache export, got something else. Give the file that export wrote.`,
      );
    place += MAGIC.length;
    for (;;) {
      signal?.throwIfAborted();
      const length = (await read(file, LENGTH_BYTES)).readUInt32LE();
      if (length === 0) break;
      if (length > MAX_BLOCK_BYTES) throw new DamagedBlock(`is said to be ${length} bytes long`);
      const { key, about, payload } = decodeNamedBlock(await read(file, length));
      if (about.parent !== parent) throw new DamagedBlock("does not go on from the block before it");
      const end = place + LENGTH_BYTES + length;
      yield { key, about, payload, end };
      [place, parent, blocks] = [end, key, blocks + 1];
    }
    if (blocks === 0) throw new DamagedBlock("is missing");
    if ((await file.read(Buffer.alloc(1))).bytesRead > 0) throw new DamagedBlock("follows the mark of the file's end");
  } catch (cause) {
    if (!(cause instanceof DamagedBlock)) throw explainFileError(path, cause, "Check the path.");
    const kept =
      blocks === 0
        ? "Nothing of it was taken."
        : `The ${blocks} sound ${blocks === 1 ? "block" : "blocks"} before it ${blocks === 1 ? "is" : "are"} kept and of use.`;
    throw new InputError(
      `${path}: expected a whole context, but its block ${blocks + 1}, at byte ${place}, ${cause.message}. ${kept} Copy the file again, or export the context again.`,
      { got: cause.message },
    );
  } finally {
    await file.close();
  }
}

/** Exactly so many bytes. Throws DamagedBlock if the file ends before. */
async function read(file: FileHandle, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(bytes, done, length - done);
    if (bytesRead === 0) throw new DamagedBlock("ends before it is whole");
    done += bytesRead;
  }
  return bytes;
}

async function append(file: FileHandle, bytes: Uint8Array): Promise<number> {
  await file.writeFile(bytes);
  return bytes.length;
}

function lengthOf(bytes: number): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(bytes);
  return length;
}

/** A folder or a device is never replaced. */
async function expectFree(path: string, force: boolean): Promise<void> {
  const facts = await ifThere(stat(path));
  if (!facts || (force && facts.isFile())) return;
  throw new InputError(
    `${path}: expected a name that is free, got one that exists. Give another name, or --force to replace a file.`,
    {
      got: path,
    },
  );
}

function explainMissing({ key }: Context, what: string): InputError {
  return new InputError(
    `context ${key.slice(0, 12)}: expected all its blocks, but ${what} is missing or damaged. Read the text again, and pin the context before it is exported.`,
    { got: key },
  );
}

/** A failed system call on the context file as an InputError; anything else as it came. */
function explainFileError(path: string, cause: unknown, advice: string): unknown {
  const { code, syscall } = cause as NodeJS.ErrnoException;
  if (cause instanceof InputError || code === undefined || syscall === undefined) return cause;
  return new InputError(`${path}: the file cannot be read or written (${code}). ${advice}`, { got: code });
}
