/** Files inside the ZIP container of a DOCX or EPUB, in memory. */
import { unzipSync } from "fflate";
import { InputError } from "../../runtime/errors.ts";
import { expectFits } from "../bytes.ts";

/** Unpacks the entries that `keep` chooses. Throws InputError if it is no ZIP file, or a damaged one. */
export function unzip(
  bytes: Uint8Array,
  path: string,
  format: string,
  keep: (name: string) => boolean,
): Record<string, Uint8Array> {
  // What an encrypted DOCX and the older DOC are inside: an OLE compound file.
  if (bytes[0] === 0xd0 && bytes[1] === 0xcf)
    throw new InputError(
      `${path}: expected ${format}, got an encrypted or pre-2007 Office file. Save it as ${format} without a password.`,
    );
  // Sizes are checked before anything is unpacked: a small file can claim to hold terabytes.
  let size = 0;
  try {
    unzipSync(bytes, {
      filter: (entry) => {
        size += keep(entry.name) ? entry.originalSize : 0;
        return false;
      },
    });
    expectFits(path, size);
    return unzipSync(bytes, { filter: (entry) => keep(entry.name) });
  } catch (cause) {
    if (cause instanceof Error && "code" in cause) throw corrupt(path, format, cause.message);
    throw cause;
  }
}

export function corrupt(path: string, format: string, got: string): InputError {
  return new InputError(`${path}: expected ${format}, got a damaged file (${got}). Get the file again.`, { got });
}
