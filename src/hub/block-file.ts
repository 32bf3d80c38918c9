/**
 * The file of one block of a read text:
 *   "LSPNBLK1" │ u32 LE length of the header │ header, JSON {key, model, parent?, tokens} │ payload │ SHA-256 of all before it
 * The header names its own key, so that a file under the name of another block is recognised.
 */
import { createHash } from "node:crypto";
import type { BlockAbout } from "./stored-block.ts";

/** The file is not, or not whole, what was written. The message goes on from "this file ...". */
export class DamagedBlock extends Error {}

/** Bytes before the header: magic and length. */
export const PREFIX_BYTES = 12;
const MAGIC = Buffer.from("LSPNBLK1");
const SUM_BYTES = 32;

/** A key is a SHA-256 in lower-case hexadecimal. */
export function isBlockKey(text: unknown): boolean {
  return typeof text === "string" && /^[0-9a-f]{64}$/.test(text);
}

/** The whole file's bytes; the payload is copied. */
export function encodeBlock(key: string, payload: Uint8Array, { model, parent, tokens }: BlockAbout): Buffer {
  const header = Buffer.from(JSON.stringify({ key, model, parent, tokens }));
  const length = Buffer.alloc(PREFIX_BYTES - MAGIC.length);
  length.writeUInt32LE(header.length);
  const body = Buffer.concat([MAGIC, length, header, payload]);
  return Buffer.concat([body, sumOf(body)]);
}

/** The payload of a whole file that was read under `key`, as a view of it. Throws DamagedBlock. */
export function decodeBlock(file: Buffer, key: string): Uint8Array {
  const start = headerEnd(file, file.length);
  const end = file.length - SUM_BYTES;
  if (!sumOf(file.subarray(0, end)).equals(file.subarray(end))) throw new DamagedBlock("has a wrong checksum");
  parseHeader(file.subarray(PREFIX_BYTES, start), key);
  return new Uint8Array(file.buffer, file.byteOffset + start, end - start);
}

/** A whole file that names its own key; the payload is a view of it. Throws DamagedBlock. */
export function decodeNamedBlock(file: Buffer): { key: string; about: BlockAbout; payload: Uint8Array } {
  const header = file.subarray(PREFIX_BYTES, headerEnd(file, file.length));
  const key = keyIn(header);
  return { key, payload: decodeBlock(file, key), about: parseHeader(header, key) };
}

/** Where the header ends, in bytes from the file's start. Needs the file's first PREFIX_BYTES. Throws DamagedBlock. */
export function headerEnd(prefix: Buffer, fileBytes: number): number {
  if (fileBytes < PREFIX_BYTES + SUM_BYTES) throw new DamagedBlock("is too short for a block");
  if (!prefix.subarray(0, MAGIC.length).equals(MAGIC)) throw new DamagedBlock("does not begin as a block does");
  const end = PREFIX_BYTES + prefix.readUInt32LE(MAGIC.length);
  if (end > fileBytes - SUM_BYTES) throw new DamagedBlock("ends before its header does");
  return end;
}

/** What the header of the block `key` says. Throws DamagedBlock, also if it is another block's. */
export function parseHeader(bytes: Buffer, key: string): BlockAbout {
  const header = jsonOf(bytes);
  const { model, parent, tokens } = header ?? {};
  if (header?.key !== key) throw new DamagedBlock(`holds another block (${header?.key})`);
  if (typeof model !== "string" || !Number.isSafeInteger(tokens) || (parent !== undefined && !isBlockKey(parent)))
    throw new DamagedBlock("has a header that does not describe a block");
  return { model, parent, tokens: tokens as number };
}

function keyIn(header: Buffer): string {
  const key = jsonOf(header)?.key;
  if (key === undefined || !isBlockKey(key)) throw new DamagedBlock("has a header that does not name its block");
  return key;
}

function jsonOf(header: Buffer): Partial<BlockAbout & { key: string }> | null {
  try {
    return JSON.parse(header.toString("utf8"));
  } catch {
    throw new DamagedBlock("has a header that is no JSON");
  }
}

function sumOf(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
