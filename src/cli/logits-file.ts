/** A file that grows row by row as FILE.part and takes its name only when it is complete. */
import { closeSync, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { endianness } from "node:os";
import { CapacityError, InputError, UnsupportedError } from "../runtime/errors.ts";

export class LogitsFile {
  private readonly path: string;
  private readonly partPath: string;
  private fd: number | undefined;

  constructor(path: string) {
    if (endianness() !== "LE")
      throw new UnsupportedError(
        `${path}: expected a little-endian processor, got a big-endian one. Use another machine.`,
      );
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory())
      throw new InputError(`${path}: expected the path of a file, got a folder. Add a file name.`);
    this.path = path;
    this.partPath = `${path}.part`;
    this.fd = this.explained(() => openSync(this.partPath, "w"));
  }

  append(rows: Float32Array): void {
    const bytes = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
    for (let done = 0; done < bytes.length; )
      done += this.explained(() => writeSync(this.fd!, bytes, done, bytes.length - done));
  }

  complete(): void {
    closeSync(this.fd!);
    this.fd = undefined;
    this.explained(() => renameSync(this.partPath, this.path));
  }

  /** Removes what is incomplete; nothing happens after `complete`. */
  discard(): void {
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
    rmSync(this.partPath, { force: true });
  }

  private explained<T>(action: () => T): T {
    try {
      return action();
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code;
      if (code === "ENOSPC" || code === "EDQUOT")
        throw new CapacityError(`${this.path}: the disk is full. Free some space, or write elsewhere.`, { got: code });
      const reason = code === "ENOENT" ? "its folder does not exist" : `it cannot be written (${code})`;
      throw new InputError(`${this.path}: expected a path that can be written: ${reason}. Check --out.`, { got: code });
    }
  }
}
