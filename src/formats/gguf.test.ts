import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeGguf, type GgufModel, typed } from "../../test/support/gguf-writer.ts";
import type { ByteSource } from "../platform/platform.ts";
import { InputError, UnsupportedError } from "../runtime/errors.ts";
import { type Gguf, readGguf } from "./gguf.ts";

const model: GgufModel = {
  metadata: {
    "general.architecture": "llama",
    "a.u8": typed("u8", 200),
    "a.i8": typed("i8", -100),
    "a.u16": typed("u16", 60_000),
    "a.i16": typed("i16", -30_000),
    "a.u32": 4_000_000_000,
    "a.i32": typed("i32", -5),
    "a.f32": 0.5,
    "a.bool": true,
    "a.u64": typed("u64", 2 ** 40),
    "a.i64": typed("i64", -(2 ** 40)),
    "a.f64": typed("f64", 0.1),
    "a.strings": ["a", "", "\uFEFFé", "😀"],
    "a.bools": typed("bool", [true, false]),
    "a.floats": Float32Array.of(1, 2.5),
    "a.longs": typed("i64", [-1, 2 ** 33]),
  },
  tensors: [
    { name: "token_embd.weight", type: "Q4_0", shape: [64, 2], data: new Uint8Array(72).fill(1) },
    { name: "output_norm.weight", type: "F32", shape: [3], data: new Uint8Array(12).fill(2) },
    { name: "blk.0.ffn_up.weight", type: "Q6_K", shape: [256, 1], data: new Uint8Array(210).fill(3) },
  ],
};
const file = encodeGguf(model);

function sourceOf(bytes: Uint8Array, size = bytes.length): ByteSource {
  return {
    name: "test.gguf",
    size,
    read: (offset, into) => into.set(bytes.subarray(offset, offset + into.length)),
    close() {},
  };
}

/** The file with bytes at `offset` replaced. */
function patched(bytes: Uint8Array, offset: number, ...values: number[]): Uint8Array {
  const copy = bytes.slice();
  copy.set(values, offset);
  return copy;
}

/** Where the bytes of a text begin in the file. */
function find(text: string): number {
  return Buffer.from(file).indexOf(text);
}

test("metadata of every type comes back", () => {
  const { metadata } = readGguf(sourceOf(file));
  assert.deepEqual(Object.fromEntries(metadata), {
    "general.architecture": "llama",
    "a.u8": 200,
    "a.i8": -100,
    "a.u16": 60_000,
    "a.i16": -30_000,
    "a.u32": 4_000_000_000,
    "a.i32": -5,
    "a.f32": 0.5,
    "a.bool": true,
    "a.u64": 2 ** 40,
    "a.i64": -(2 ** 40),
    "a.f64": 0.1,
    "a.strings": ["a", "", "\uFEFFé", "😀"],
    "a.bools": [true, false],
    "a.floats": Float32Array.of(1, 2.5),
    "a.longs": Float64Array.of(-1, 2 ** 33),
  });
});

test("tensors come back with type, shape and the place of their own bytes", () => {
  const { tensors } = readGguf(sourceOf(file));
  assert.deepEqual(
    [...tensors.keys()],
    model.tensors.map(({ name }) => name),
  );
  for (const { name, type, shape, data } of model.tensors) {
    const tensor = tensors.get(name)!;
    assert.equal(tensor.type.name, type);
    assert.deepEqual(tensor.shape, shape);
    assert.deepEqual(file.subarray(tensor.offset, tensor.offset + tensor.bytes), data);
  }
});

test("a string that is longer than the reader's window comes back", () => {
  const long = "x".repeat(3 << 20);
  const { metadata } = readGguf(sourceOf(encodeGguf({ metadata: { long, after: 7 }, tensors: [] })));
  assert.equal(metadata.get("long"), long);
  assert.equal(metadata.get("after"), 7);
});

test("other formats and versions are refused by what they are", () => {
  const refused = (bytes: Uint8Array, kind: typeof InputError, message: RegExp) =>
    assert.throws(
      () => readGguf(sourceOf(bytes)),
      (error) => error instanceof kind && message.test(error.message),
    );
  refused(
    new Uint8Array(0),
    InputError,
    /^test.gguf: expected a GGUF file, got 0 bytes\. Give the path of a \.gguf file\.$/,
  );
  refused(Buffer.from("%PDF-1.7 and so on"), InputError, /expected a GGUF file, got another format/);
  refused(patched(file, 4, 1), UnsupportedError, /expected GGUF version 2 or 3, got 1\./);
  const part = encodeGguf({ metadata: { "split.count": typed("u16", 3) }, tensors: [] });
  refused(part, UnsupportedError, /expected a whole model, got one of 3 parts/);
});

test("a tensor of a type we do not read is named, with the type's name if it has one", () => {
  const typeOffset = find("output_norm.weight") + "output_norm.weight".length + 4 + 8;
  const read = (id: number) => () => readGguf(sourceOf(patched(file, typeOffset, id)));
  assert.throws(read(20), (error: Error) => {
    assert.ok(error instanceof UnsupportedError);
    assert.match(
      error.message,
      /^test.gguf: tensor "output_norm.weight": expected one of F32, .*, got IQ4_NL \(type 20\)\. /,
    );
    return true;
  });
  assert.throws(read(77), /got type 77\./);
});

test("what contradicts itself is corrupt: each message says what was expected and what came", () => {
  const corrupt = (bytes: Uint8Array, message: RegExp) =>
    assert.throws(
      () => readGguf(sourceOf(bytes)),
      (error: Error) => error instanceof InputError && message.test(error.message),
    );
  const info = find("token_embd.weight") + "token_embd.weight".length;
  corrupt(
    patched(file, 8, 0, 0, 1),
    /corrupt header before byte 16: expected at most \d+ as number of tensors, got 65536/,
  );
  corrupt(patched(file, 16, 255, 255), /expected at most \d+ as number of metadata pairs, got 65535/);
  corrupt(patched(file, find("a.i8"), ...Buffer.from("a.u8")), /expected every metadata key once, got "a.u8" twice/);
  corrupt(patched(file, find("a.u8") + 4, 13), /expected metadata of a known type, got type 13/);
  corrupt(patched(file, find("a.bools") + 7 + 4, 9), /expected metadata of a known type, got nested arrays/);
  corrupt(patched(file, find("a.floats") + 8 + 8 + 4, 1), /expected at most \d+ as length of an array, got 4294967298/);
  corrupt(patched(file, info, 5), /expected 1 to 4 dimensions of tensor "token_embd.weight", got 5/);
  corrupt(patched(file, info, 0), /expected 1 to 4 dimensions/);
  corrupt(
    patched(file, info + 4, 63),
    /rows of 32 × n elements in tensor "token_embd.weight" \(Q4_0\), got shape \[63,2\]/,
  );
  corrupt(patched(file, info + 12, 0), /got shape \[64,0\]/);
  corrupt(patched(file, info + 12 + 7, 1), /expected a number below 2\^53/);
  corrupt(patched(file, info + 12 + 6, 1), /expected tensor "token_embd.weight" to end at byte \d+, got a file of/);
  corrupt(patched(file, info + 24, 16), /expected tensor "token_embd.weight" at a multiple of 32, got offset 16/);
  const twice = { ...model, tensors: [model.tensors[0], model.tensors[0]] };
  corrupt(encodeGguf(twice), /expected every tensor once, got "token_embd.weight" twice/);
  for (const alignment of [0, 24, 2 ** 21, "32", typed("f32", Infinity), typed("f32", NaN), Float32Array.of(32)])
    corrupt(
      encodeGguf({ ...model, metadata: { "general.alignment": alignment } }),
      /expected a power of two up to 1048576 as general.alignment/,
    );
});

/** Reads a damaged file. Anything but success or one of our own errors fails; so does a request for more than there is. */
function readDamaged(bytes: Uint8Array): Gguf | InputError | UnsupportedError {
  try {
    return readGguf(sourceOf(bytes));
  } catch (error) {
    if (error instanceof InputError || error instanceof UnsupportedError) return error;
    throw error;
  }
}

test("a file cut off at any byte is an InputError", () => {
  const end = file.length - (32 - (210 % 32)); // the padding after the last tensor carries nothing
  for (let length = 0; length < end; length++)
    assert.ok(readDamaged(file.subarray(0, length)) instanceof InputError, `cut at ${length}`);
  assert.ok("tensors" in readDamaged(file.subarray(0, end)));
});

test("any value in any byte of the header is read or refused, in less than a second and 64 MB", () => {
  const headerBytes = file.length - (96 + 32 + 224);
  const before = process.memoryUsage().arrayBuffers;
  for (let offset = 0; offset < headerBytes; offset++)
    for (const value of [0, 1, 2, 9, 127, 128, 255, file[offset] ^ 1, file[offset] ^ 128]) {
      const start = performance.now();
      readDamaged(patched(file, offset, value));
      assert.ok(performance.now() - start < 1000, `byte ${offset} = ${value}`);
      assert.ok(process.memoryUsage().arrayBuffers - before < 64 << 20, `byte ${offset} = ${value}`);
    }
});

test("several random bytes anywhere are read or refused", () => {
  const damage = fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 2, maxLength: 20 });
  fc.assert(
    fc.property(damage, (bytes) => {
      const copy = file.slice();
      for (const [offset, value] of bytes) copy[offset] = value;
      const result = readDamaged(copy);
      if (result instanceof Error) return;
      for (const { offset, bytes: length } of result.tensors.values()) assert.ok(offset + length <= copy.length);
    }),
    { numRuns: 2000, seed: 1 },
  );
});

test("random bytes after a valid magic and version are read or refused", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
      readDamaged(Buffer.concat([file.subarray(0, 8), bytes]));
    }),
    { numRuns: 2000, seed: 2 },
  );
});

test("counts in the header of a huge file cost no memory before the bytes they promise have been read", () => {
  // The file claims 8 GB, all zeros after the header: a million empty metadata keys would be read, but the second repeats.
  const bytes = patched(file, 8, 0, 0, 15, 0, 0, 0, 0, 0);
  const before = process.memoryUsage();
  assert.throws(() => readGguf(sourceOf(bytes, 8 * 2 ** 30)), InputError);
  const array = patched(file, find("a.floats") + 8 + 8, 255, 255, 255, 255, 1);
  assert.throws(() => readGguf(sourceOf(array, 8 * 2 ** 30)), /at most 4194304 as length of an array/);
  const after = process.memoryUsage();
  assert.ok(after.arrayBuffers - before.arrayBuffers < 64 << 20);
});
