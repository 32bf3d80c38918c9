/**
 * Pulls one file: sources in order into `<path>.part`, SHA-256 over the whole, then a rename.
 * Under the final name there is a verified file or none; a part that was left over is continued by whatever source comes next.
 */
import { createReadStream } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { InputError } from "../runtime/errors.ts";
import { sha256OfFile } from "./checksum.ts";
import { takeLock } from "./lock.ts";
import { expectFreeSpace, explainDiskError, megabytes, PartFile } from "./part-file.ts";
import type { Fingerprint, PullOptions, Source } from "./source.ts";

export interface PullTarget extends Fingerprint {
  readonly name: string;
  readonly path: string;
  readonly notice?: string;
  readonly sources: readonly Source[];
}

/** Whether the file is there: it only ever gets its name after it was verified, so that the size is check enough. */
export async function isPulled({ path, bytes }: Pick<PullTarget, "path" | "bytes">): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true && (bytes === undefined || found.size === bytes);
}

/** Rejects with InputError if no source gives the file, CapacityError if the disk is full, the signal's reason if aborted. */
export async function pull(target: PullTarget, options: PullOptions = {}): Promise<void> {
  await mkdir(dirname(target.path), { recursive: true }).catch((cause) => {
    throw explainDiskError(dirname(target.path), cause);
  });
  const lock = await takeLock(`${target.path}.lock`, options);
  try {
    if (await isPulled(target)) return; // Another process has pulled it while we waited.
    if (target.notice) options.onNotice?.(target.notice);
    await pullFromFirst(target, options);
  } finally {
    await lock.release();
  }
}

async function pullFromFirst(target: PullTarget, options: PullOptions): Promise<void> {
  const failures: { source: string; error: InputError }[] = [];
  for (const source of target.sources) {
    options.onNotice?.(`pulling ${target.name} from ${source.name}`);
    try {
      await pullFrom(source, target, options);
      return;
    } catch (error) {
      options.signal?.throwIfAborted();
      // A full disk is full for every source, and our own bugs are not to be hidden.
      if (!(error instanceof InputError)) throw error;
      failures.push({ source: source.name, error });
      options.onNotice?.(`${source.name} failed: ${error.message}`);
    }
  }
  const telling = failures.find(({ error }) => error.expected !== undefined)?.error;
  throw new InputError(
    `model "${target.name}": no source gave the file. ` +
      failures.map(({ source, error }) => `${source}: ${error.message}`).join(" ") +
      ` Check the network and try again, set HF_ENDPOINT to a mirror, or give the path of a GGUF file that you have.`,
    { expected: telling?.expected, got: telling?.got },
  );
}

async function pullFrom(source: Source, target: PullTarget, options: PullOptions): Promise<void> {
  const path = `${target.path}.part`;
  for (;;) {
    const part = await PartFile.open(path);
    const hadBytes = part.length;
    let said: Fingerprint;
    try {
      if (target.bytes !== undefined) {
        if (part.length > target.bytes) await part.startOver();
        await expectFreeSpace(path, target.bytes - part.length);
      }
      said = await source.download(part, target, options);
      await part.flush();
    } catch (error) {
      if (options.signal?.aborted && part.length > 0)
        options.onNotice?.(`stopped; ${megabytes(part.length)} are kept, the next pull goes on from there`);
      throw error;
    } finally {
      await part.close();
    }
    const error = await findFault(path, { ...said, ...fingerprintOf(target) }, options);
    if (!error) break;
    await rm(path, { force: true });
    if (hadBytes === 0) throw error;
    options.onNotice?.("what an earlier pull had left does not belong to this file, starting over");
  }
  await rename(path, target.path);
}

/** What is wrong with a complete download, if anything. */
async function findFault(path: string, expected: Fingerprint, options: PullOptions): Promise<InputError | undefined> {
  const { size } = await stat(path);
  if (expected.bytes !== undefined && size !== expected.bytes) return fault("bytes", expected.bytes, size);
  if (expected.sha256 === undefined) {
    options.onNotice?.("the source gives no checksum for this file: only its size and its first bytes were checked");
    const magic = await readStart(path, 4);
    return magic === "GGUF" ? undefined : fault("a file that begins with", "GGUF", JSON.stringify(magic));
  }
  const sha256 = await sha256OfFile(path, {
    onBytes: (bytes) => options.onProgress?.(bytes, size, "verify"),
    signal: options.signal,
  });
  return sha256 === expected.sha256 ? undefined : fault("SHA-256", expected.sha256, sha256);
}

function fault(what: string, expected: unknown, got: unknown): InputError {
  return new InputError(`downloaded file: expected ${what} ${expected}, got ${got}. It was deleted.`, {
    expected,
    got,
  });
}

function fingerprintOf({ bytes, sha256 }: PullTarget): Fingerprint {
  return bytes === undefined ? {} : { bytes, sha256 };
}

async function readStart(path: string, length: number): Promise<string> {
  let start = "";
  for await (const chunk of createReadStream(path, { end: length - 1, encoding: "latin1" })) start += chunk;
  return start;
}
