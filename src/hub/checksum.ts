/** SHA-256 of a whole file, read in pieces. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";

export interface ChecksumOptions {
  onBytes?: (doneBytes: number) => void;
  signal?: AbortSignal;
}

export async function sha256OfFile(path: string, { onBytes, signal }: ChecksumOptions = {}): Promise<string> {
  const hash = createHash("sha256");
  let doneBytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    signal?.throwIfAborted();
    hash.update(chunk);
    doneBytes += chunk.length;
    onBytes?.(doneBytes);
  }
  return hash.digest("hex");
}
