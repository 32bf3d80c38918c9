/** Sequential reader over the front of a file: small reads through a window, all counts checked. */
import type { ByteSource } from "../platform/platform.ts";
import { InputError } from "../runtime/errors.ts";
import type { GgufValue } from "./gguf.ts";

const WINDOW_BYTES = 1 << 20;
const MAX_STRING_BYTES = 10 << 20;
const MAX_ARRAY_LENGTH = 1 << 24;

type NumberArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

export class HeaderReader {
  private window = new Uint8Array(0);
  private view = new DataView(this.window.buffer);
  private windowStart = 0;
  private cursor = 0;
  private readonly decoder = new TextDecoder("utf-8");

  private readonly source: ByteSource;

  constructor(source: ByteSource) {
    this.source = source;
  }

  get offset(): number {
    return this.windowStart + this.cursor;
  }

  corrupt(what: string): InputError {
    return new InputError(
      `${this.source.name}: corrupt header near byte ${this.offset}: ${what}. Download the file again.`,
    );
  }

  /** Makes `length` bytes available at the cursor and returns where they begin in the window. */
  private take(length: number): number {
    if (this.cursor + length > this.window.length) {
      const start = this.offset;
      if (start + length > this.source.size)
        throw this.corrupt(`${length} bytes expected, ${this.source.size - start} left`);
      this.window = new Uint8Array(Math.min(Math.max(length, WINDOW_BYTES), this.source.size - start));
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
    if (!Number.isSafeInteger(value)) throw this.corrupt(`a 64-bit number of ${value}`);
    return value;
  }

  count(what: string, limit: number): number {
    const value = this.u64();
    if (value > limit) throw this.corrupt(`${what} is ${value}, at most ${limit} is possible`);
    return value;
  }

  string(): string {
    const length = this.count("length of a string", MAX_STRING_BYTES);
    return this.decoder.decode(this.bytes(length));
  }

  value(type: number): GgufValue {
    if (type === 8) return this.string();
    if (type === 9) return this.array();
    return this.numbers(type, 1, (values) => (type === 7 ? values[0] !== 0 : Number(values[0])));
  }

  private array(): GgufValue {
    const type = this.u32();
    const length = this.count("length of an array", MAX_ARRAY_LENGTH);
    if (type === 8) {
      const strings: string[] = [];
      for (let i = 0; i < length; i++) strings.push(this.string());
      return strings;
    }
    return this.numbers(type, length, (values) => (type === 7 ? Array.from(values, (v) => v !== 0) : values));
  }

  private numbers<T>(type: number, length: number, make: (values: NumberArray) => T): T {
    const element = elementBytes[type];
    if (element === undefined) throw this.corrupt(`metadata of unknown type ${type}`);
    const copy = this.bytes(length * element).slice().buffer;
    if (type === 10 || type === 11) return make(new Float64Array(bigArray(type, copy)));
    return make(new arrayTypes[type](copy));
  }
}

function bigArray(type: number, buffer: ArrayBuffer): number[] {
  const big = type === 10 ? new BigUint64Array(buffer) : new BigInt64Array(buffer);
  return Array.from(big as Iterable<bigint>, Number);
}

/** Bytes of one element by GGUF value type: u8 i8 u16 i16 u32 i32 f32 bool, then u64 i64 f64. */
const elementBytes: Record<number, number> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 };

const arrayTypes: Record<number, new (buffer: ArrayBuffer) => NumberArray> = {
  0: Uint8Array,
  1: Int8Array,
  2: Uint16Array,
  3: Int16Array,
  4: Uint32Array,
  5: Int32Array,
  6: Float32Array,
  7: Uint8Array,
  12: Float64Array,
};
