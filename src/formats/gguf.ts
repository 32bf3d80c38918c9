/**
 * GGUF container: header, metadata and tensor directory (never tensor data).
 * Layout: "GGUF" | u32 version | u64 tensors | u64 pairs | pairs | tensor infos | padding | data.
 * Source: the GGUF specification of ggml, versions 2 and 3, little-endian.
 * Files come from strangers: every count is checked against what is left of the file before anything is allocated.
 */
import type { ByteSource } from "../platform/platform.ts";
import { InputError, UnsupportedError } from "../runtime/errors.ts";
import { HeaderReader } from "./header-reader.ts";
import { type TensorType, tensorTypeOf } from "./tensor-types.ts";

/** Arrays of numbers arrive as typed arrays, arrays of strings as string[]. */
export type GgufValue = string | number | boolean | string[] | boolean[] | ArrayLike<number>;
export type GgufMetadata = ReadonlyMap<string, GgufValue>;

export interface GgufTensor {
  readonly name: string;
  readonly type: TensorType;
  /** Row length first: a weight of a linear layer is [inputs, outputs]. */
  readonly shape: readonly number[];
  /** Byte offset from the start of the file. */
  readonly offset: number;
  readonly bytes: number;
}

export interface Gguf {
  readonly metadata: GgufMetadata;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

/** As in the directory: the offset counts from the start of the data. */
type TensorInfo = Omit<GgufTensor, "bytes">;

const MAX_PAIRS = 100_000;
const MAX_TENSORS = 1_000_000;
const MAX_ALIGNMENT = 1 << 20;
/** An empty key or name (8), a type (4) and a value of one byte; dimensions (4 + 8), a type (4) and an offset (8). */
const LEAST_PAIR_BYTES = 13;
const LEAST_INFO_BYTES = 32;

/** Reads the header of a GGUF file and checks that every tensor lies inside the file. */
export function readGguf(source: ByteSource): Gguf {
  const reader = new HeaderReader(source);
  checkFormat(source, reader);
  const numTensors = reader.count("number of tensors", LEAST_INFO_BYTES, MAX_TENSORS);
  const numPairs = reader.count("number of metadata pairs", LEAST_PAIR_BYTES, MAX_PAIRS);

  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < numPairs; i++) {
    const key = reader.string();
    if (metadata.has(key)) throw reader.corrupt("every metadata key once", `"${key}" twice`);
    metadata.set(key, reader.value(reader.u32()));
  }
  // Before the tensors: the message about a part is more use than one about a tensor that is missing from it.
  checkWhole(source, metadata);

  const infos: TensorInfo[] = [];
  for (let i = 0; i < numTensors; i++) infos.push(readInfo(source, reader));

  const alignment = alignmentOf(metadata, reader);
  const dataStart = Math.ceil(reader.offset / alignment) * alignment;
  const tensors = new Map<string, GgufTensor>();
  for (const info of infos) {
    if (tensors.has(info.name)) throw reader.corrupt("every tensor once", `"${info.name}" twice`);
    if (info.offset % alignment !== 0)
      throw reader.corrupt(`tensor "${info.name}" at a multiple of ${alignment}`, `offset ${info.offset}`);
    tensors.set(info.name, place(info, dataStart, source, reader));
  }
  return { metadata, tensors };
}

function checkFormat(source: ByteSource, reader: HeaderReader): void {
  const isGguf = source.size >= 8 && String.fromCharCode(...reader.bytes(4)) === "GGUF";
  if (!isGguf)
    throw new InputError(
      `${source.name}: expected a GGUF file, got ${source.size < 8 ? `${source.size} bytes` : "another format"}. Give the path of a .gguf file.`,
    );
  const version = reader.u32();
  if (version !== 2 && version !== 3)
    throw new UnsupportedError(
      `${source.name}: expected GGUF version 2 or 3, got ${version}. Convert the file again.`,
      {
        got: version,
      },
    );
}

function checkWhole(source: ByteSource, metadata: GgufMetadata): void {
  const parts = metadata.get("split.count");
  if (typeof parts === "number" && parts > 1)
    throw new UnsupportedError(
      `${source.name}: expected a whole model, got one of ${parts} parts. Join them with \`llama-gguf-split --merge\`.`,
      { got: parts },
    );
}

function alignmentOf(metadata: GgufMetadata, reader: HeaderReader): number {
  const alignment = metadata.get("general.alignment") ?? 32;
  const isPowerOfTwo = typeof alignment === "number" && Number.isInteger(Math.log2(alignment));
  if (!isPowerOfTwo || alignment < 1 || alignment > MAX_ALIGNMENT)
    throw reader.corrupt(`a power of two up to ${MAX_ALIGNMENT} as general.alignment`, String(alignment).slice(0, 100));
  return alignment;
}

function readInfo(source: ByteSource, reader: HeaderReader): TensorInfo {
  const name = reader.string();
  const numDims = reader.u32();
  if (numDims < 1 || numDims > 4) throw reader.corrupt(`1 to 4 dimensions of tensor "${name}"`, String(numDims));
  const shape = Array.from({ length: numDims }, () => reader.u64());
  const type = tensorTypeOf(reader.u32(), `${source.name}: tensor "${name}"`);
  return { name, shape, type, offset: reader.u64() };
}

function place(info: TensorInfo, dataStart: number, source: ByteSource, reader: HeaderReader): GgufTensor {
  const { name, shape, type } = info;
  if (shape.some((dim) => dim === 0) || shape[0] % type.blockLength !== 0)
    throw reader.corrupt(
      `rows of ${type.blockLength} × n elements in tensor "${name}" (${type.name})`,
      `shape [${shape}]`,
    );
  const elements = shape.reduce((product, dim) => product * dim, 1);
  const bytes = (elements / type.blockLength) * type.blockBytes;
  const offset = dataStart + info.offset;
  if (offset + bytes > source.size)
    throw new InputError(
      `${source.name}: expected tensor "${name}" to end at byte ${offset + bytes}, got a file of ${source.size}. It is truncated: download it again.`,
      { expected: offset + bytes, got: source.size },
    );
  return { ...info, offset, bytes };
}
