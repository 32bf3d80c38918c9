/**
 * GGUF container: header, metadata and tensor directory (never tensor data).
 * Layout: "GGUF" | u32 version | u64 tensors | u64 pairs | pairs | tensor infos | padding | data.
 * Source: the GGUF specification of ggml, versions 2 and 3, little-endian.
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

const MAX_PAIRS = 100_000;
const MAX_TENSORS = 1_000_000;

/** Reads the header of a GGUF file and checks that every tensor lies inside the file. */
export function readGguf(source: ByteSource): Gguf {
  const reader = new HeaderReader(source);
  const magic = reader.bytes(4);
  if (String.fromCharCode(...magic) !== "GGUF")
    throw new InputError(`${source.name}: expected a GGUF file, got another format. Give the path of a .gguf file.`);
  const version = reader.u32();
  if (version !== 2 && version !== 3)
    throw new UnsupportedError(`${source.name}: expected GGUF version 2 or 3, got ${version}. Convert the file again.`);

  const numTensors = reader.count("number of tensors", MAX_TENSORS);
  const numPairs = reader.count("number of metadata pairs", MAX_PAIRS);
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < numPairs; i++) {
    const key = reader.string();
    metadata.set(key, reader.value(reader.u32()));
  }

  const infos: Omit<GgufTensor, "bytes">[] = [];
  for (let i = 0; i < numTensors; i++) {
    const name = reader.string();
    const numDims = reader.u32();
    if (numDims > 4) throw reader.corrupt(`tensor "${name}" has ${numDims} dimensions, at most 4 are possible`);
    const shape = Array.from({ length: numDims }, () => reader.u64());
    infos.push({ name, shape, type: tensorTypeOf(reader.u32(), name), offset: reader.u64() });
  }

  const alignment = Number(metadata.get("general.alignment") ?? 32);
  if (!(alignment > 0)) throw reader.corrupt(`general.alignment is ${alignment}`);
  const dataStart = Math.ceil(reader.offset / alignment) * alignment;
  const tensors = new Map<string, GgufTensor>();
  for (const info of infos) tensors.set(info.name, place(info, dataStart, source, reader));
  return { metadata, tensors };
}

function place(
  info: Omit<GgufTensor, "bytes">,
  dataStart: number,
  source: ByteSource,
  reader: HeaderReader,
): GgufTensor {
  const { name, shape, type } = info;
  const elements = shape.reduce((product, dim) => product * dim, 1);
  if (!(elements > 0) || shape[0] % type.blockLength !== 0)
    throw reader.corrupt(
      `tensor "${name}" has shape [${shape}], rows of ${type.name} are multiples of ${type.blockLength}`,
    );
  const bytes = (elements / type.blockLength) * type.blockBytes;
  const offset = dataStart + info.offset;
  if (offset + bytes > source.size)
    throw new InputError(
      `${source.name}: tensor "${name}" ends at byte ${offset + bytes}, the file has ${source.size}. The file is truncated: download it again.`,
      { expected: offset + bytes, got: source.size },
    );
  return { ...info, offset, bytes };
}
