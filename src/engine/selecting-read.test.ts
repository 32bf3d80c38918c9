/** Reading in two parts, on a controller in this thread: with everything chosen it is a reading like any other. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { randomFloats } from "../../test/support/random.ts";
import { testHost, writeModel } from "../../test/support/sessions.ts";
import { tinyModel } from "../../test/support/tiny-model.ts";
import { parsePlan } from "../context/plan.ts";
import type { SelectionLayout } from "../context/select/layout.ts";
import type { SelectionSteps } from "../context/select/method.ts";
import { readGguf } from "../formats/gguf.ts";
import { readModelConfig } from "../model/config.ts";
import { PAGE_SLOTS } from "../ops/attention.ts";
import { pageBytes } from "../ops/page-low.ts";
import type { Host } from "../platform/platform.ts";
import { Controller } from "./controller.ts";
import { selectedReading } from "./read-selected.ts";
import { SelectingRead } from "./selecting-read.ts";
import type { Sequence } from "./sequence.ts";

const CHUNK = 512;
const path = writeModel(tinyModel("qwen2", { layers: 4, hiddenSize: 64, feedForward: 96 }));

async function withController(use: (controller: Controller) => void, changes: Partial<Host> = {}): Promise<void> {
  const host = testHost(changes);
  const file = host.openFile(path);
  const gguf = readGguf(file);
  file.close();
  const params = { path, tensors: gguf.tensors, config: readModelConfig(gguf), threads: 1, chunk: CHUNK };
  const controller = await Controller.load(host, params, () => {});
  try {
    use(controller);
  } finally {
    await controller.stop();
  }
}

const randomIds = (length: number) => Int32Array.from(randomFloats(length, length), (x) => Math.abs(x * 60));
const prompt = randomIds(500);
const next = randomIds(20);

type Inside = { [part in "team" | "heap" | "pool" | "config" | "decoder" | "space"]: never } & {
  slots: Map<number, { sequence: Sequence }>;
};

type Way = Partial<SelectionSteps> & {
  /** Tokens of a chunk, of each part. */
  readonly chunks?: readonly [all: number, selected: number];
  /** Tokens after which each part is broken off. */
  readonly most?: readonly [all: number, selected: number];
};

/** Reads the prompt in two parts; scores fall with the position. */
function readInParts(
  controller: Controller,
  session: number,
  layout: Omit<SelectionLayout, "tokens">,
  { chunks = [CHUNK, CHUNK], most = [prompt.length, prompt.length], ...more }: Way,
): SelectingRead {
  const { team, heap, pool, config, decoder, space, slots } = controller as unknown as Inside;
  const { sequence } = slots.get(session)!;
  const steps = { layer: 2, window: 70, from: "layer", positions: "own", ...more } as SelectionSteps;
  const score = ([weights]: readonly Float32Array[]) => weights.map((_, j) => -j);
  const parts = { team, heap, pool, config, decoder, space, sequence };
  const tokens = prompt.length;
  const reading = new SelectingRead(parts, prompt, { steps, layout: { tokens, ...layout }, score });
  const all = Math.min(most[0], tokens);
  const selected = Math.min(most[1], layout.head + layout.chosen + tokens - layout.tail);
  for (let at = 0; at < all; at += chunks[0]) reading.readAll(at, Math.min(chunks[0], all - at));
  for (let at = 0; at < selected; at += chunks[1]) reading.readSelected(at, Math.min(chunks[1], selected - at));
  return reading;
}

const everything = { head: PAGE_SLOTS, tail: 384, chosen: 384 - PAGE_SLOTS };

for (const format of ["f32", "q8"])
  test(`with every token chosen the next ones get the logits of an ordinary reading, bit for bit, whatever the chunks: ${format} pages`, () =>
    withController((controller) => {
      const plan = parsePlan({ cache: { format } });
      const logitsIn = (session: number) =>
        controller.prefill({ session, tokenIds: next, tokensAfter: 0, all: true }).logits;
      controller.open({ session: 0, plan });
      controller.prefill({ session: 0, tokenIds: prompt, tokensAfter: 0, all: false });
      const expected = logitsIn(0);
      const ways: Way[] = [
        {},
        { chunks: [100, 37] },
        { chunks: [64, 500] },
        { layer: 1 },
        { layer: 3, window: 1 },
        { layer: 4 },
        { from: "beginning" },
        { from: "beginning", positions: "closed-up", chunks: [90, 120] },
      ];
      for (const [i, way] of ways.entries()) {
        controller.open({ session: i + 1, plan });
        readInParts(controller, i + 1, everything, way).finish(true);
        assert.deepEqual(logitsIn(i + 1), expected, JSON.stringify(way));
      }
    }));

test("fewer tokens chosen give other logits and fewer pages; a reading that is broken off anywhere leaves nothing behind", () =>
  withController((controller) => {
    const plan = parsePlan({});
    const { pool } = controller as unknown as { pool: { usedBytes: number } };
    const logitsIn = (session: number) =>
      controller.prefill({ session, tokenIds: next, tokensAfter: 0, all: true }).logits;
    const used = [everything.chosen, 64].map((chosen, session) => {
      controller.open({ session, plan });
      readInParts(controller, session, { ...everything, chosen }, {}).finish(true);
      return controller.memory({ session }).pages;
    });
    assert.equal(used[0] - used[1], (3 * 2 * (everything.chosen - 64)) / PAGE_SLOTS, "three layers of two KV heads");
    assert.notDeepEqual(logitsIn(0), logitsIn(1));
    for (const session of [0, 1]) controller.close({ session });
    assert.equal(pool.usedBytes, 0);

    controller.open({ session: 2, plan });
    const empty = pool.usedBytes;
    for (const from of ["layer", "beginning"] as const)
      for (const most of [
        [0, 0],
        [300, 0],
        [500, 0],
        [500, 100],
        [500, 500],
      ] as const) {
        readInParts(controller, 2, { ...everything, chosen: 64 }, { from, most, chunks: [100, 50] }).finish(false);
        assert.equal((controller as unknown as Inside).slots.get(2)!.sequence.length, 0);
        assert.equal(pool.usedBytes, empty, `${from} ${most}`);
      }
  }));

test("room is made sure of before anything is read: pages of all tokens below, of those that go on above, and what waits between", () => {
  const tokens = prompt.length;
  const pages = (layers: number, held: number) => layers * 2 * Math.ceil(held / PAGE_SLOTS) * pageBytes("q8", 64);
  const waiting = Math.ceil(tokens / PAGE_SLOTS) * PAGE_SLOTS * 64 * 4;
  let free = Number.POSITIVE_INFINITY;
  const use = (controller: Controller) => {
    controller.open({ session: 0, plan: parsePlan({}) });
    for (const method of ["fastkv", "gemfilter", "spec-prefill"]) {
      const { prefill } = parsePlan({ prefill: { select: { method, layer: 3, keep: 200, least: 1 } } });
      const selected = selectedReading(prefill, tokens, 4);
      // A page, 64 to 127 of the last tokens, and what is missing in whole pages.
      assert.equal(selected?.selected, 64 + (tokens - 384) + 64);
      const again = Math.max(pages(3, tokens), pages(4, 244));
      const beside = pages(2, tokens) + Math.max(pages(1, tokens), pages(2, 244)) + waiting;
      const needed = method === "fastkv" ? beside : again;
      const expect = () => controller.expectRoom({ session: 0, tokens, schedule: { byLayers: false, selected } });
      free = needed - 1;
      assert.throws(expect, { name: "CapacityError", expected: needed });
      free++;
      expect();
    }
  };
  return withController(use, { freeMemoryBytes: () => free });
});
