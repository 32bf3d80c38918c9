/** Node as a host: files and worker threads. The only core file besides node-worker.ts that imports `node:`. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { InputError } from "../runtime/errors.ts";
import type { ByteSource } from "./platform.ts";

/** Opens a file for random access. Throws InputError if it is missing, a directory or unreadable. */
export function openFile(path: string): ByteSource {
  const fd = openOrExplain(path);
  const stat = fstatSync(fd);
  if (!stat.isFile()) {
    closeSync(fd);
    throw new InputError(`${path}: expected a file, got a directory or device. Give the path of a file.`);
  }
  return {
    name: path,
    size: stat.size,
    read(offset, into) {
      let done = 0;
      while (done < into.byteLength) {
        const count = readSync(fd, into, done, into.byteLength - done, offset + done);
        if (count === 0)
          throw new InputError(
            `${path}: ends at byte ${offset + done}, ${into.byteLength - done} more were expected. Download it again.`,
          );
        done += count;
      }
    },
    close: () => closeSync(fd),
  };
}

function openOrExplain(path: string): number {
  try {
    return openSync(path, "r");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const reason =
      code === "ENOENT"
        ? "no such file"
        : code === "EACCES"
          ? "no permission to read it"
          : `cannot be opened (${code})`;
    throw new InputError(`${path}: ${reason}. Check the path.`, { got: code });
  }
}
