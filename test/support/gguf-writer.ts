/** Writes GGUF files (version 3) for tests. Layout: see src/formats/gguf.ts. */
import { writeFileSync } from "node:fs";
import { tensorTypes } from "../../src/formats/tensor-types.ts";

/** GGUF value type ids. */
const valueTypes = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  string: 8,
  u64: 10,
  i64: 11,
  f64: 12,
};
const ARRAY = 9;
const ALIGNMENT = 32;

export type ValueType = keyof typeof valueTypes;

/** A value with its type spelled out; see `typed`. */
export interface TypedValue {
  readonly type: ValueType;
  readonly value: Scalar | readonly Scalar[];
}
type Scalar = string | number | boolean;

/** Bare values: whole numbers are u32, others f32; typed arrays keep their type. */
export type MetadataValue = Scalar | readonly string[] | Float32Array | Int32Array | Uint32Array | TypedValue;

export interface TensorData {
  readonly name: string;
  /** Name of a tensor type, e.g. "Q4_K". */
  readonly type: string;
  /** Row length first. */
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

export interface GgufModel {
  readonly metadata: Readonly<Record<string, MetadataValue>>;
  readonly tensors: readonly TensorData[];
}

export function typed(type: ValueType, value: TypedValue["value"]): TypedValue {
  return { type, value };
}

export function writeGguf(path: string, model: GgufModel): void {
  writeFileSync(path, encodeGguf(model));
}

export function encodeGguf({ metadata, tensors }: GgufModel): Uint8Array {
  const pairs = Object.entries(metadata);
  const header: Uint8Array[] = [Buffer.from("GGUF"), number("u32", 3)];
  header.push(number("u64", tensors.length), number("u64", pairs.length));
  for (const [key, value] of pairs) header.push(string(key), ...encodeValue(value));

  let offset = 0;
  for (const { name, type, shape, data } of tensors) {
    const id = tensorTypes.find((candidate) => candidate.name === type)!.id;
    header.push(string(name), number("u32", shape.length), ...shape.map((dim) => number("u64", dim)));
    header.push(number("u32", id), number("u64", offset));
    offset += data.length + padding(data.length);
  }
  const head = Buffer.concat(header);
  const body = tensors.flatMap(({ data }) => [data, Buffer.alloc(padding(data.length))]);
  // A plain array: `slice` of a Buffer would share its memory.
  return new Uint8Array(Buffer.concat([head, Buffer.alloc(padding(head.length)), ...body]));
}

function padding(length: number): number {
  return (ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT;
}

function encodeValue(given: MetadataValue): Uint8Array[] {
  const { type, value } = withType(given);
  if (!Array.isArray(value)) return [number("u32", valueTypes[type]), scalar(type, value as Scalar)];
  const items = value.map((item) => scalar(type, item));
  return [number("u32", ARRAY), number("u32", valueTypes[type]), number("u64", value.length), ...items];
}

function withType(value: MetadataValue): TypedValue {
  if (typeof value === "string") return { type: "string", value };
  if (typeof value === "boolean") return { type: "bool", value };
  if (typeof value === "number") return { type: Number.isInteger(value) ? "u32" : "f32", value };
  if (value instanceof Float32Array) return { type: "f32", value: Array.from(value) };
  if (value instanceof Int32Array) return { type: "i32", value: Array.from(value) };
  if (value instanceof Uint32Array) return { type: "u32", value: Array.from(value) };
  if (Array.isArray(value)) return { type: "string", value };
  return value as TypedValue;
}

function scalar(type: ValueType, value: Scalar): Uint8Array {
  return type === "string" ? string(value as string) : number(type, Number(value));
}

function string(text: string): Uint8Array {
  const bytes = Buffer.from(text);
  return Buffer.concat([number("u64", bytes.length), bytes]);
}

function number(type: Exclude<ValueType, "string">, value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  const [bytes, write] = writers[type];
  write(view, value);
  return new Uint8Array(view.buffer, 0, bytes);
}

const writers: Record<Exclude<ValueType, "string">, [bytes: number, write: (view: DataView, value: number) => void]> = {
  u8: [1, (view, value) => view.setUint8(0, value)],
  i8: [1, (view, value) => view.setInt8(0, value)],
  bool: [1, (view, value) => view.setUint8(0, value)],
  u16: [2, (view, value) => view.setUint16(0, value, true)],
  i16: [2, (view, value) => view.setInt16(0, value, true)],
  u32: [4, (view, value) => view.setUint32(0, value, true)],
  i32: [4, (view, value) => view.setInt32(0, value, true)],
  f32: [4, (view, value) => view.setFloat32(0, value, true)],
  u64: [8, (view, value) => view.setBigUint64(0, BigInt(value), true)],
  i64: [8, (view, value) => view.setBigInt64(0, BigInt(value), true)],
  f64: [8, (view, value) => view.setFloat64(0, value, true)],
};
