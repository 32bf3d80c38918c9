/** Sequential reader over the front of a file: small reads through a window, every count checked before it is believed. */
import type { ByteSource } from "../platform/platform.ts";
import { InputError } from "../runtime/errors.ts";
import type { GgufValue } from "./gguf.ts";

const WINDOW_BYTES = 1 << 20;
const MAX_STRING_BYTES = 10 << 20;
/** Four million: vocabularies have up to a quarter of a million tokens and half a million merges. */
const MAX_ARRAY_LENGTH = 1 << 22;

type NumberArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

/** GGUF value types with a meaning of their own; plain numbers are in `arrayTypes`. */
const BOOLEAN = 7;
const STRING = 8;
const ARRAY = 9;
const U64 = 10;
const I64 = 11;

export class HeaderReader {
  private window = new Uint8Array(0);
  private view = new DataView(this.window.buffer);
  private windowStart = 0;
  private cursor = 0;
  // A vocabulary may have U+FEFF as a token; by default a decoder drops it at the front of a string.
  private readonly decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  private readonly source: ByteSource;

  constructor(source: ByteSource) {
    this.source = source;
  }

  get offset(): number {
    return this.windowStart + this.cursor;
  }

  corrupt(expected: string, got: string): InputError {
    return new InputError(
      `${this.source.name}: corrupt header before byte ${this.offset}: expected ${expected}, got ${got}. Download the file again.`,
      { expected, got },
    );
  }

  /** Makes `length` bytes available at the cursor and returns where they begin in the window. */
  private take(length: number): number {
    if (this.cursor + length > this.window.length) {
      const start = this.offset;
      const left = this.source.size - start;
      if (length > left) throw this.corrupt(`${length} bytes more`, `the end of the file after ${left}`);
      this.window = new Uint8Array(Math.min(Math.max(length, WINDOW_BYTES), left));
      this.source.read(start, this.window);
      this.view = new DataView(this.window.buffer);
      this.windowStart = start;
      this.cursor = 0;
    }
    const at = this.cursor;
    this.cursor += length;
    return at;
  }

  bytes(length: number): Uint8Array {
    const at = this.take(length);
    return this.window.subarray(at, at + length);
  }

  u32(): number {
    const at = this.take(4);
    return this.view.getUint32(at, true);
  }

  u64(): number {
    const at = this.take(8);
    const value = this.view.getUint32(at, true) + this.view.getUint32(at + 4, true) * 2 ** 32;
    if (!Number.isSafeInteger(value)) throw this.corrupt("a number below 2^53", String(value));
    return value;
  }

  /** A number of things that take at least `leastBytes` each and must all fit into what is left of the file. */
  count(what: string, leastBytes: number, limit: number): number {
    const value = this.u64();
    const most = Math.min(limit, Math.floor((this.source.size - this.offset) / leastBytes));
    if (value > most) throw this.corrupt(`at most ${most} as ${what}`, String(value));
    return value;
  }

  string(): string {
    const length = this.count("length of a string", 1, MAX_STRING_BYTES);
    return this.decoder.decode(this.bytes(length));
  }

  value(type: number): GgufValue {
    if (type === STRING) return this.string();
    if (type === ARRAY) return this.array();
    const [value] = this.numbers(type, 1);
    return type === BOOLEAN ? value !== 0 : value;
  }

  private array(): GgufValue {
    const type = this.u32();
    const length = this.count("length of an array", type === STRING ? 8 : bytesOf(type, this), MAX_ARRAY_LENGTH);
    if (type === STRING) return Array.from({ length }, () => this.string());
    const values = this.numbers(type, length);
    return type === BOOLEAN ? Array.from(values, (value) => value !== 0) : values;
  }

  /** Copies, because elements are not aligned in the file. 64-bit integers lose what a double cannot hold. */
  private numbers(type: number, length: number): NumberArray {
    const copy = this.bytes(length * bytesOf(type, this)).slice().buffer;
    if (type === U64) return Float64Array.from(new BigUint64Array(copy), Number);
    if (type === I64) return Float64Array.from(new BigInt64Array(copy), Number);
    return new arrayTypes[type](copy);
  }
}

function bytesOf(type: number, reader: HeaderReader): number {
  if (type === U64 || type === I64) return 8;
  const bytes = arrayTypes[type]?.BYTES_PER_ELEMENT;
  if (bytes === undefined)
    throw reader.corrupt("metadata of a known type", type === ARRAY ? "nested arrays" : `type ${type}`);
  return bytes;
}

const arrayTypes: Record<number, { new (buffer: ArrayBuffer): NumberArray; readonly BYTES_PER_ELEMENT: number }> = {
  0: Uint8Array,
  1: Int8Array,
  2: Uint16Array,
  3: Int16Array,
  4: Uint32Array,
  5: Int32Array,
  6: Float32Array,
  [BOOLEAN]: Uint8Array,
  12: Float64Array,
};
