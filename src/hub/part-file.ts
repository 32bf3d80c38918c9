/** A file that is being written, `<name>.part`: it only ever grows or starts over, and never carries the final name. */
import { constants } from "node:fs";
import { type FileHandle, open, rm, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { CapacityError, InputError } from "../runtime/errors.ts";

export class PartFile {
  readonly path: string;
  readonly #handle: FileHandle;
  #length: number;

  private constructor(path: string, handle: FileHandle, length: number) {
    this.path = path;
    this.#handle = handle;
    this.#length = length;
  }

  /** Opens what an earlier attempt left, or an empty file. */
  static async open(path: string): Promise<PartFile> {
    try {
      const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o644);
      return new PartFile(path, handle, (await handle.stat()).size);
    } catch (cause) {
      throw explainDiskError(path, cause);
    }
  }

  get length(): number {
    return this.#length;
  }

  /** Writes at an explicit position: should two processes ever write the same file, they write the same bytes. */
  async append(bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, this.#length);
        done += bytesWritten;
        this.#length += bytesWritten;
      }
    } catch (cause) {
      throw explainDiskError(this.path, cause);
    }
  }

  async startOver(): Promise<void> {
    await this.#handle.truncate(0);
    this.#length = 0;
  }

  /** Forces the bytes to the disk, so that a power cut after the rename cannot leave a hollow file. */
  async flush(): Promise<void> {
    try {
      await this.#handle.sync();
    } catch (cause) {
      throw explainDiskError(this.path, cause);
    }
  }

  /** An empty part is worth nothing and is removed. */
  async close(): Promise<void> {
    await this.#handle.close();
    if (this.#length === 0) await rm(this.path, { force: true });
  }
}

/** Refuses before the first byte what cannot fit. */
export async function expectFreeSpace(path: string, neededBytes: number): Promise<void> {
  const folder = dirname(path);
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize;
  if (freeBytes < neededBytes)
    throw new CapacityError(
      `${folder}: ${megabytes(neededBytes)} are needed for the model, ${megabytes(freeBytes)} are free. ` +
        "Free some space, or set LONGSPAN_HOME to a folder on another disk.",
      { expected: neededBytes, got: freeBytes },
    );
}

/** Turns what the operating system says about a write into an error with advice; anything else stays as it is. */
export function explainDiskError(path: string, cause: unknown): unknown {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === "ENOSPC" || code === "EDQUOT")
    return new CapacityError(
      `${path}: the disk is full (${code}). Free some space, or set LONGSPAN_HOME to a folder on another disk; ` +
        "what has arrived is kept and the next pull goes on from there.",
      { got: code },
    );
  if (code === "EACCES" || code === "EPERM" || code === "EROFS" || code === "ENOTDIR")
    return new InputError(
      `${path}: cannot be written (${code}). Allow writing there, or set LONGSPAN_HOME to a folder of yours.`,
      { got: code },
    );
  return cause;
}

/** For messages: decimal, rounded up. */
export function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6).toLocaleString("en-US")} MB`;
}
