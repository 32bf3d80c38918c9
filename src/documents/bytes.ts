/** Bytes of files and of standard input, bounded, with errors that name the path. */
import { readFile, stat } from "node:fs/promises";
import { CapacityError, InputError } from "../runtime/errors.ts";

/** What standard input is called in headers and errors. */
export const standardInput = "standard input";

/** 256 MiB is some 60 million tokens: more is a mistake, and would not fit the longest JavaScript string once unpacked. */
export const maxBytes = 2 ** 28;

export async function readBytes(path: string, signal?: AbortSignal): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    expectFits(path, size);
    return await readFile(path, { signal });
  } catch (cause) {
    throw explainFileError(path, cause);
  }
}

export async function readStream(stream: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    signal?.throwIfAborted();
    chunks.push(chunk);
    size += chunk.byteLength;
    expectFits(standardInput, size);
  }
  return Buffer.concat(chunks, size);
}

export function expectFits(path: string, size: number): void {
  if (size > maxBytes)
    throw new CapacityError(`${path}: expected at most ${maxBytes} bytes, got ${size} or more. Split it.`, {
      expected: maxBytes,
      got: size,
    });
}

/** A failed system call as an InputError; anything else as it came. */
export function explainFileError(path: string, cause: unknown): unknown {
  const code = (cause as NodeJS.ErrnoException).code;
  if (!(cause instanceof Error) || typeof code !== "string" || cause.name === "AbortError") return cause;
  const reason =
    code === "ENOENT"
      ? "no such file or folder. Check the path."
      : code === "EACCES" || code === "EPERM"
        ? "no permission to read it. Change its mode or run as its owner."
        : `expected a readable file, got system error ${code}. Check the path.`;
  return new InputError(`${path}: ${reason}`, { got: code });
}
