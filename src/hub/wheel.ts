/**
 * One member of a wheel (a zip archive on disk) as a stream, stored or deflated.
 * Source: PKWARE APPNOTE 6.3.10, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (its end).
 */
import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { pipeline } from "node:stream";
import { crc32, createInflateRaw } from "node:zlib";
import { InputError } from "../runtime/errors.ts";

export interface WheelMember {
  /** Uncompressed. */
  readonly bytes: number;
  readonly content: AsyncIterable<Uint8Array>;
}

const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const STORED = 0;
const DEFLATED = 8;

/** Throws InputError if the archive is broken or has no such member. */
export async function openMember(path: string, name: string): Promise<WheelMember> {
  const file = await open(path, "r");
  try {
    const entry = await findMember(file, path, name);
    const header = await readAt(file, entry.headerOffset, 30);
    if (header.readUInt32LE(0) !== 0x04034b50) throw broken(path);
    const start = entry.headerOffset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
    return { bytes: entry.bytes, content: readContent(path, start, entry) };
  } catch (error) {
    if (error instanceof RangeError) throw broken(path); // A length in it points outside of the file.
    throw error;
  } finally {
    await file.close();
  }
}

interface Entry {
  readonly method: number;
  readonly crc: number;
  readonly compressedBytes: number;
  readonly bytes: number;
  readonly headerOffset: number;
}

async function findMember(file: FileHandle, path: string, name: string): Promise<Entry> {
  const { size } = await file.stat();
  const tailStart = Math.max(0, size - END_BYTES - MAX_COMMENT_BYTES);
  const tail = await readAt(file, tailStart, size - tailStart);
  const end = tail.lastIndexOf("PK\x05\x06", undefined, "latin1");
  if (end < 0 || end + END_BYTES > tail.length) throw broken(path);

  const directory = await readAt(file, tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
  const names: string[] = [];
  for (let entry = 0; entry < directory.length; ) {
    if (directory.readUInt32LE(entry) !== 0x02014b50) throw broken(path);
    const nameBytes = directory.readUInt16LE(entry + 28);
    const entryName = directory.toString("utf8", entry + 46, entry + 46 + nameBytes);
    if (entryName === name)
      return {
        method: directory.readUInt16LE(entry + 10),
        compressedBytes: directory.readUInt32LE(entry + 20),
        crc: directory.readUInt32LE(entry + 16),
        bytes: directory.readUInt32LE(entry + 24),
        headerOffset: directory.readUInt32LE(entry + 42),
      };
    names.push(entryName);
    entry += 46 + nameBytes + directory.readUInt16LE(entry + 30) + directory.readUInt16LE(entry + 32);
  }
  throw new InputError(`${path}: expected a member "${name}", got ${names.join(", ") || "an empty archive"}.`, {
    expected: name,
    got: names,
  });
}

async function* readContent(path: string, start: number, { method, crc, compressedBytes, bytes }: Entry) {
  if (method !== STORED && method !== DEFLATED)
    throw new InputError(`${path}: expected a stored or deflated member, got compression method ${method}.`);
  let readBytes = 0;
  let readCrc = 0;
  for await (const piece of openContent(path, start, compressedBytes, method)) {
    readBytes += piece.length;
    readCrc = crc32(piece, readCrc);
    yield piece;
  }
  if (readBytes !== bytes || readCrc !== crc) throw broken(path);
}

async function* openContent(path: string, start: number, length: number, method: number): AsyncGenerator<Buffer> {
  if (length === 0) return;
  const raw = createReadStream(path, { start, end: start + length - 1, highWaterMark: 1 << 20 });
  if (method === STORED) return yield* raw;
  try {
    // pipeline only hands an error of `raw` on to the stream that is read here.
    yield* pipeline(raw, createInflateRaw({ chunkSize: 1 << 20 }), () => {});
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code?.startsWith("Z_")) throw broken(path);
    throw cause;
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}

function broken(path: string): InputError {
  return new InputError(`${path}: expected a zip archive, got a broken one. Pull again.`);
}
