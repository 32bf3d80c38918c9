import assert from "node:assert/strict";
import { test } from "node:test";
import { testHost, writeModel } from "../../test/support/sessions.ts";
import { tinyModel } from "../../test/support/tiny-model.ts";
import { parsePlan } from "../context/plan.ts";
import { readGguf } from "../formats/gguf.ts";
import { readModelConfig } from "../model/config.ts";
import { floatPageBytes } from "../ops/attention.ts";
import type { Host } from "../platform/platform.ts";
import { CapacityError } from "../runtime/errors.ts";
import type { SharedHeap } from "../runtime/memory.ts";
import { Controller } from "./controller.ts";

const LAST_BYTE = 65535 * 65536;
const path = writeModel(tinyModel("llama", { layers: 3 }));

/** In this thread, so that a test can take the memory away. */
async function loadController(changes: Partial<Host> = {}): Promise<{ controller: Controller; heap: SharedHeap }> {
  const host = testHost(changes);
  const file = host.openFile(path);
  const gguf = readGguf(file);
  file.close();
  const params = { path, tensors: gguf.tensors, config: readModelConfig(gguf), threads: 1, chunk: 512 };
  const controller = await Controller.load(host, params, () => {});
  return { controller, heap: (controller as unknown as { heap: SharedHeap }).heap };
}

for (const format of ["f32", "q8"])
  test(`where the memory ends, a chunk is refused before it begins and all sessions stay as they were: ${format} pages`, async () => {
    const { controller, heap } = await loadController();
    const prefill = (session: number, count: number) => {
      const tokenIds = Int32Array.from({ length: count }, (_, i) => i % 250);
      return controller.prefill({ session, tokenIds, tokensAfter: 0, all: true });
    };
    const plan = parsePlan({ cache: { format } });
    for (const session of [1, 2]) controller.open({ session, plan });
    const expected = [64, 10, 10].map((count) => prefill(1, count));
    assert.deepEqual(prefill(2, 64), expected[0]);

    // Enough is left for the next page of some layers and not of all. Memory that is never touched costs nothing.
    heap.allocate(LAST_BYTE - heap.usedBytes - 3 * floatPageBytes(64));
    assert.throws(() => prefill(2, 512), CapacityError);
    assert.deepEqual(prefill(2, 10), expected[1]);
    assert.deepEqual(prefill(2, 10), expected[2]);

    controller.close({ session: 1 });
    controller.open({ session: 3, plan });
    assert.deepEqual(prefill(3, 64), expected[0]);
  });

test("a prompt whose pages need more memory than is free is refused with both numbers before its first chunk", async () => {
  const free = 3 << 20;
  const { controller } = await loadController({ freeMemoryBytes: () => free });
  controller.open({ session: 1, plan: parsePlan({ cache: { format: "f32" } }) });
  const { numKvHeads, headDim } = readModelConfigOf(path);
  const pageBytes = 3 * numKvHeads * floatPageBytes(headDim); // of three layers
  const fits = Math.floor(free / pageBytes) * 64;
  controller.expectRoom({ session: 1, tokens: fits, schedule: { byLayers: false } });
  assert.throws(
    () => controller.expectRoom({ session: 1, tokens: fits + 1, schedule: { byLayers: false } }),
    (error: CapacityError) =>
      error instanceof CapacityError && error.got === free && /3 MB are free\. Shorten/.test(error.message),
  );
});

function readModelConfigOf(modelPath: string) {
  const file = testHost().openFile(modelPath);
  const config = readModelConfig(readGguf(file));
  file.close();
  return config;
}
