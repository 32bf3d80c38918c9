/** What the index of pages takes, on a controller in this thread: told of, and made sure of before anything is read or copied. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { randomFloats } from "../../test/support/random.ts";
import { testHost, writeModel } from "../../test/support/sessions.ts";
import { type Architecture, tinyModel } from "../../test/support/tiny-model.ts";
import { parsePlan } from "../context/plan.ts";
import { readGguf } from "../formats/gguf.ts";
import { readModelConfig } from "../model/config.ts";
import { pageBytes } from "../ops/page-low.ts";
import { Controller } from "./controller.ts";
import { selectedReading } from "./read-selected.ts";
import type { RoomSchedule } from "./room.ts";

const sizes = { hiddenSize: 64, feedForward: 96, contextLength: 8192 };
const modelOf = (kind: Architecture, layers: number) => writeModel(tinyModel(kind, { ...sizes, layers }));
const [long, qwen, gemma] = [modelOf("qwen2", 2), modelOf("qwen2", 4), modelOf("gemma3", 6)];
const KV_HEADS = 2;
const HEAD_DIM = 64;

/** Four pages for each head of a layer. */
const LIST_BYTES = KV_HEADS * 4 * 4;

/** f32 of a page: the least and the greatest of every channel in four runs of 16 slots, or the mean. */
const recordBytes = { "page-topk": 4 * 2 * HEAD_DIM * 4, retrieval: HEAD_DIM * 4 };

/** Of records of 64 pages at a time. */
function indexBytes(method: keyof typeof recordBytes, pages: number): number {
  return Math.ceil(pages / 64) * 64 * recordBytes[method];
}

interface Memory {
  /** Free on the machine. */
  free: number;
}

async function withController(
  path: string,
  use: (controller: Controller, memory: Memory) => void | Promise<void>,
): Promise<void> {
  const memory: Memory = { free: Number.POSITIVE_INFINITY };
  const host = testHost({ freeMemoryBytes: () => memory.free });
  const file = host.openFile(path);
  const gguf = readGguf(file);
  file.close();
  const params = { path, tensors: gguf.tensors, config: readModelConfig(gguf), threads: 1, chunk: 512 };
  const controller = await Controller.load(host, params, () => {});
  try {
    await use(controller, memory);
  } finally {
    await controller.stop();
  }
}

function planWith(method: string, more: object = {}) {
  return parsePlan({ decode: { method, budget: 256, denseLayers: 1, window: 64 }, ...more });
}

function read(controller: Controller, session: number, tokens: number): void {
  const ids = Int32Array.from(randomFloats(tokens, 1), (x) => Math.abs(x * 60));
  for (let at = 0; at < tokens; at += 512)
    controller.prefill({ session, tokenIds: ids.subarray(at, at + 512), tokensAfter: tokens - at, all: false });
}

function write(controller: Controller, session: number): void {
  controller.step({ steps: [{ session, tokenId: 5 }] });
}

for (const [method, path, layers, tokens, pages] of [
  ["page-topk", long, 2, 4200, 65],
  ["page-topk", qwen, 4, 330, 5],
  ["retrieval", qwen, 4, 330, 5],
  ["retrieval", qwen, 4, 300, 0], // four pages are the budget
] as const)
  test(`${method}, ${tokens} tokens: the first step adds the index of ${pages} pages for each head that chooses, and the session's bytes are the engine's`, () =>
    withController(path, (controller) => {
      controller.open({ session: 0, plan: planWith(method) });
      read(controller, 0, tokens);
      const before = controller.memory({ session: 0 });
      write(controller, 0);
      const { cacheBytes, pages: held } = controller.memory({ session: 0 });
      const indexed = (layers - 1) * KV_HEADS * indexBytes(method, pages);
      assert.equal(cacheBytes - before.cacheBytes, indexed + (pages > 0 ? LIST_BYTES : 0));
      assert.equal(held, before.pages);
      assert.equal(cacheBytes, controller.engineMemory().cacheBytes);
      controller.close({ session: 0 });
      assert.equal(controller.engineMemory().cacheBytes, 0);
    }));

/** Bytes that a prompt is said to need, where nothing is free. */
function neededFor(controller: Controller, session: number, tokens: number, schedule: RoomSchedule): number {
  try {
    controller.expectRoom({ session, tokens, schedule });
  } catch (error) {
    return (error as { expected: number }).expected;
  }
  return 0;
}

test("room for a prompt is room for its pages and for the index of those that are left, in layers that choose", () =>
  withController(qwen, (controller, memory) => {
    memory.free = 0;
    controller.open({ session: 0, plan: planWith("page-topk") });
    controller.open({ session: 1, plan: parsePlan({}) });
    const whole = { byLayers: false };
    const cases: [tokens: number, schedule: RoomSchedule, indexed: number][] = [
      [5000, whole, 3 * indexBytes("page-topk", 78)],
      [4095, whole, 3 * indexBytes("page-topk", 63)],
      [319, whole, 0],
      [5000, { ...whole, budget: 1000 }, 3 * indexBytes("page-topk", 31)],
      [5000, { byLayers: true, budget: 100 }, 0],
      [5000, { ...whole, budget: 1000, every: 2200 }, 3 * indexBytes("page-topk", 65)],
    ];
    for (const [tokens, schedule, indexed] of cases) {
      const expected = neededFor(controller, 1, tokens, schedule) + KV_HEADS * indexed;
      assert.equal(neededFor(controller, 0, tokens, schedule), expected, JSON.stringify([tokens, schedule]));
    }
    assert.equal(neededFor(controller, 1, 5000, whole), 4 * KV_HEADS * 79 * pageBytes("q8", HEAD_DIM));
    for (const [method, indexed] of [
      ["fastkv", indexBytes("page-topk", 78) + 2 * indexBytes("page-topk", 16)],
      ["gemfilter", 3 * indexBytes("page-topk", 16)],
    ] as const) {
      const { prefill } = parsePlan({ prefill: { select: { method, layer: 3, keep: 1000, least: 1 } } });
      const selected = selectedReading(prefill, 5000, 4);
      assert.equal(Math.floor((selected?.selected ?? 0) / 64), 16);
      const schedule = { byLayers: false, selected };
      const expected = neededFor(controller, 1, 5000, schedule) + KV_HEADS * indexed;
      assert.equal(neededFor(controller, 0, 5000, schedule), expected, method);
    }
  }));

test("layers with a sliding window are never indexed, and no room is asked for them", () =>
  withController(gemma, (controller, memory) => {
    const plan = planWith("page-topk", { decode: { method: "page-topk", budget: 256, denseLayers: 0, window: 64 } });
    for (const [session, one] of [plan, parsePlan({})].entries()) controller.open({ session, plan: one });
    memory.free = 0;
    const schedule = { byLayers: false };
    const [sparse, full] = [0, 1].map((session) => neededFor(controller, session, 400, schedule));
    memory.free = Number.POSITIVE_INFINITY;
    read(controller, 0, 400);
    const before = controller.memory({ session: 0 }).cacheBytes;
    write(controller, 0);
    assert.equal(controller.memory({ session: 0 }).cacheBytes - before, sparse - full + LIST_BYTES);
    assert.ok(sparse > full);
  }));

test("a copy that would write needs an index of its own: without room for it it is refused, and nothing is left of it", () =>
  withController(qwen, (controller, memory) => {
    const { pool } = controller as unknown as { pool: { freeBytes: number } };
    controller.open({ session: 0, plan: planWith("page-topk") });
    const copyBytes = controller.memory({ session: 0 }).cacheBytes;
    read(controller, 0, 400);
    const needed = 3 * KV_HEADS * indexBytes("page-topk", 6);
    const before = controller.engineMemory().cacheBytes;
    memory.free = 0;
    const refused = {
      name: "CapacityError",
      expected: needed,
      message: /^fork: the index of the pages of 400 tokens takes 1 MB/,
    };
    assert.throws(() => controller.fork({ session: 1, from: 0 }), refused);
    assert.equal(controller.engineMemory().cacheBytes, before);
    assert.throws(() => controller.memory({ session: 1 }), /expected an open one/);
    // What a copy takes besides comes from what a refused one gave back; what is then left in the pool counts as free.
    const left = pool.freeBytes - copyBytes;
    memory.free = needed - left - 1;
    assert.throws(() => controller.fork({ session: 1, from: 0 }), refused);
    memory.free++;
    controller.fork({ session: 1, from: 0 });
    const copied = controller.engineMemory().cacheBytes;
    assert.equal(copied - before, copyBytes);
    write(controller, 1);
    assert.equal(controller.engineMemory().cacheBytes - copied, needed + LIST_BYTES);
    controller.open({ session: 2, plan: parsePlan({}) });
    memory.free = 0;
    controller.fork({ session: 3, from: 2 });
  }));
