import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { encodeGguf, type GgufModel, type TensorData } from "../../test/support/gguf-writer.ts";
import { testHost, writeModel } from "../../test/support/sessions.ts";
import { type TinyModelOptions, tinyModel } from "../../test/support/tiny-model.ts";
import type { Host, SpawnedPeer } from "../platform/platform.ts";
import { CapacityError, InputError, UnsupportedError } from "../runtime/errors.ts";
import { loadEngine } from "./load.ts";

const small: TinyModelOptions = { layers: 1, feedForward: 256 };
const model = tinyModel("llama", small);
const path = writeModel(model);

/** A host that counts its controllers and what became of them. */
function countingHost(changes: Partial<Host> = {}): { host: Host; started: () => number; ended: () => number } {
  let [started, ended] = [0, 0];
  const host = testHost({
    spawn(data): SpawnedPeer {
      started++;
      const peer = testHost().spawn(data);
      return {
        ...peer,
        async terminate() {
          await peer.terminate();
          ended++;
        },
      };
    },
    ...changes,
  });
  return { host, started: () => started, ended: () => ended };
}

type ErrorClass = new (...args: never[]) => Error;

/** Loading fails as expected, and leaves no thread behind. */
async function refuses(file: string, kind: ErrorClass, message: RegExp): Promise<void> {
  const { host, started, ended } = countingHost();
  await assert.rejects(loadEngine(host, file), (error) => {
    assert.ok(error instanceof kind, `${error}`);
    assert.match(error.message, message);
    return true;
  });
  assert.equal(started(), ended() > 0 ? 1 : 0);
}

function withTensors(change: (tensors: TensorData[]) => TensorData[], from: GgufModel = model): string {
  return writeModel({ ...from, tensors: change([...from.tensors]) });
}

function withMetadata(changes: GgufModel["metadata"]): string {
  return writeModel({ ...model, metadata: { ...model.metadata, ...changes } });
}

test("a model is described by its file, and progress ends with all bytes of its tensors", async () => {
  const seen: number[][] = [];
  const { host, started, ended } = countingHost({ availableThreads: () => 2 });
  const engine = await loadEngine(host, path, { onProgress: (done, total) => seen.push([done, total]) });
  const bytes = model.tensors.reduce((sum, { data }) => sum + data.length, 0);
  assert.deepEqual(seen.at(-1), [bytes, bytes]);
  assert.equal(engine.threads, 2);
  assert.deepEqual(engine.model, {
    name: "tiny llama",
    architecture: "llama",
    contextLength: 2048,
    vocabularySize: 275,
    numLayers: 1,
    hiddenSize: 256,
    fileBytes: encodeGguf(model).length,
  });
  await engine.dispose();
  assert.deepEqual([started(), ended()], [1, 1]);
});

test("too little memory is refused before anything is started, and the message holds the sum", async () => {
  const { host, started } = countingHost({ freeMemoryBytes: () => 100 << 20 });
  await assert.rejects(loadEngine(host, path), (error) => {
    assert.ok(error instanceof CapacityError);
    const [, ...sum] =
      /needs (\d+) MB of memory \(weights (\d+) MB \+ work space (\d+) MB \+ program (\d+) MB\), 100 MB are free/.exec(
        error.message,
      ) ?? [];
    const [needed, weights, work, program] = sum.map(Number);
    assert.ok(Math.abs(needed - weights - work - program) <= 2, error.message); // each is rounded up
    assert.equal(error.got, 100 << 20);
    return true;
  });
  assert.equal(started(), 0);
});

test("the sum in the message covers what loading takes", async () => {
  let needed = 0;
  const { host } = countingHost({ freeMemoryBytes: () => 0 });
  await loadEngine(host, path).catch((error: CapacityError) => {
    needed = error.expected as number;
  });
  const engine = await loadEngine(testHost(), path);
  const { weightBytes, workBytes } = await engine.memory();
  assert.ok(weightBytes + workBytes < needed, `${weightBytes} + ${workBytes} of ${needed}`);
  await engine.dispose();
});

test("more threads than cores, none, or a fraction are refused with the cores", async () => {
  const { host, started } = countingHost({ availableThreads: () => 3 });
  for (const threads of [4, 0, -1, 1.5])
    await assert.rejects(
      loadEngine(host, path, { threads }),
      (error) => error instanceof InputError && /threads: .* 1 to 3 \(the cores here\), got/.test(error.message),
    );
  assert.equal(started(), 0);
});

test("a missing file, a folder and a file of another kind are refused", async () => {
  await refuses("no/such/model.gguf", InputError, /no\/such\/model\.gguf: no such file/);
  await refuses("src", InputError, /src: expected a file/);
  await refuses("package.json", InputError, /package\.json: expected a GGUF file/);
});

test("a file cut anywhere in its tensors is refused as truncated, with both sizes", async () => {
  const bytes = encodeGguf(model);
  const cut = writeModel(model);
  for (const length of [bytes.length - 64, Math.floor(bytes.length / 2)]) {
    writeFileSync(cut, bytes.subarray(0, length));
    await refuses(cut, InputError, new RegExp(`to end at byte \\d+, got a file of ${length}\\. It is truncated`));
  }
});

test("a missing tensor is named, wherever it is", async () => {
  for (const name of ["token_embd.weight", "blk.0.attn_q.weight", "output_norm.weight", "blk.0.ffn_down.weight"])
    await refuses(
      withTensors((tensors) => tensors.filter((tensor) => tensor.name !== name)),
      InputError,
      new RegExp(`"${name}" is missing`),
    );
});

test("a tensor of the wrong shape is named with both shapes", async () => {
  const file = withTensors((tensors) =>
    tensors.map((tensor) => (tensor.name === "blk.0.attn_k.weight" ? { ...tensor, shape: [128, 256] } : tensor)),
  );
  await refuses(file, InputError, /"blk\.0\.attn_k\.weight": expected shape \[256,128\], got \[128,256\]/);
});

test("more layers in the metadata than in the file are a missing tensor", async () => {
  await refuses(withMetadata({ "llama.block_count": 3 }), InputError, /"blk\.1\.attn_norm\.weight" is missing/);
});

test("architectures, head sizes, rope scalings and row lengths that the engine lacks are unsupported", async () => {
  await refuses(withMetadata({ "general.architecture": "mamba" }), UnsupportedError, /architecture "mamba"/);
  await refuses(withMetadata({ "llama.rope.scaling.type": "su" }), UnsupportedError, /rope scaling "su"/);
  const heads = writeModel(tinyModel("llama", { ...small, headDim: 80 }));
  await refuses(heads, UnsupportedError, /head size 80/);
  const rows = writeModel(tinyModel("llama", { ...small, feedForward: 272 }));
  await refuses(rows, UnsupportedError, /"blk\.0\.ffn_down\.weight": rows of 272 are not a multiple of 32/);
});

test("loading is cancelled before it begins and on the way, and no thread stays behind", async () => {
  const { host, started, ended } = countingHost();
  await assert.rejects(loadEngine(host, path, { signal: AbortSignal.abort() }), { name: "AbortError" });
  assert.equal(started(), 0);
  const stop = new AbortController();
  const loading = loadEngine(host, path, { signal: stop.signal });
  stop.abort();
  await assert.rejects(loading, { name: "AbortError" });
  assert.ok(started() === 1 && ended() >= 1);
});
