/** Re-indexed positions in the engine: stores, zones and pages against the definition by distance. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type KernelSpace, withTeam } from "../../test/support/kernels.ts";
import { attentionByDistance, type Distance, distances, type Heads } from "../../test/support/position-reference.ts";
import { randomFloats } from "../../test/support/random.ts";
import { parsePlan } from "../context/plan.ts";
import type { ModelConfig } from "../model/config.ts";
import type { Decoder, LayerContext } from "../model/decoder.ts";
import { attentionScratchBytes, PAGE_SLOTS } from "../ops/attention.ts";
import { PagePool } from "./page-pool.ts";
import { Sequence } from "./sequence.ts";
import { SequenceSpace } from "./sequence-space.ts";

const shape = { heads: 2, kvHeads: 1, headDim: 64, base: 10_000 };
const config = {
  ...{ contextLength: 1024, numHeads: 2, numKvHeads: 1, headDim: 64, attentionScale: 1 / 8, rotary: 64 },
  ...{ ropeInterleaved: false, layers: [{ window: 0, rope: { base: shape.base } }] },
} as unknown as ModelConfig;
const CHUNK = 192;

const methods: [title: string, position: object, distance: Distance][] = [
  ["string", { method: "string", near: 100, shift: 40 }, distances.string(100, 40)],
  ["string, near on a page's edge", { method: "string", near: 128, shift: 7 }, distances.string(128, 7)],
  ["dca", { method: "dca", chunk: 200, local: 20 }, distances.dca(200, 128)],
  ["dca, clamped", { method: "dca", chunk: 150, local: 22 }, distances.dca(150, 128)],
  ["self-extend", { method: "self-extend", group: 4, window: 100 }, distances.selfExtend(4, 100)],
  ["rerope", { method: "rerope", window: 90 }, distances.rerope(90, 0)],
  ["rerope with a leak", { method: "rerope", window: 64, leak: 0.125 }, distances.rerope(64, 0.125)],
  ["sink-window", { method: "sink-window", sinks: 4, window: 100 }, distances.sinkWindow(4, 100)],
  ["sink-window, a page of sinks", { method: "sink-window", sinks: 64, window: 64 }, distances.sinkWindow(64, 64)],
];

/** Of one store, of chunks, of two stores, with a window. */
const kinds = [0, 2, 4, 7].map((i) => methods[i]);

function randomHeads(tokens: number): Heads {
  const { heads, kvHeads, headDim } = shape;
  return {
    q: randomFloats(tokens * heads * headDim, 1),
    k: randomFloats(tokens * kvHeads * headDim, 2),
    v: randomFloats(tokens * kvHeads * headDim, 3),
  };
}

/** What a sequence attends to when these heads come in pieces of these lengths. */
async function attendInPieces(inputs: Heads, position: object, pieces: readonly number[], format: "f32" | "q8") {
  const out = new Float32Array(inputs.q.length);
  let memory = { pages: 0, used: 0 };
  const use = ({ heap, team }: KernelSpace) => {
    const pool = new PagePool(heap);
    const sequences = new SequenceSpace(team, heap, config, CHUNK);
    const plan = parsePlan({ position, cache: { format } });
    const sequence = new Sequence({ team, heap, pool, config, space: sequences, plan });
    const [q, k, v, result] = [2, 1, 1, 2].map((heads) => heap.allocate(CHUNK * heads * 64 * 4));
    let at = 0;
    for (const tokens of pieces) {
      const part = (values: Float32Array, heads: number) =>
        values.subarray(at * heads * 64, (at + tokens) * heads * 64);
      const forward = (_: Int32Array, context: LayerContext) => {
        heap.floats(q, tokens * 128).set(part(inputs.q, 2));
        heap.floats(k, tokens * 64).set(part(inputs.k, 1));
        heap.floats(v, tokens * 64).set(part(inputs.v, 1));
        context.rotate(0, q, k);
        context.append(0, k, v);
        context.attend(0, result, q);
        part(out, 2).set(heap.floats(result, tokens * 128));
      };
      sequence.run({ forward } as unknown as Decoder, new Int32Array(tokens));
      at += tokens;
    }
    memory = { pages: sequence.stores.pages, used: pool.usedBytes };
    assert.equal(sequence.stores.bytes <= pool.usedBytes, true);
    sequence.dispose();
    assert.equal(pool.usedBytes, 0, "pages were lost");
  };
  await withTeam("relaxed", 2, use, attentionScratchBytes(config, PAGE_SLOTS));
  return { out, memory };
}

function largestError(actual: Float32Array, expected: Float64Array): number {
  return actual.reduce((largest, value, i) => Math.max(largest, Math.abs(value - expected[i])), 0);
}

for (const [title, position, distance] of methods)
  test(`${title}: 330 tokens in pieces that fit no page equal the definition within 1e-4, with f32 pages`, async () => {
    const inputs = randomHeads(330);
    const expected = attentionByDistance(inputs, shape, distance);
    // Steps of one token at the end split their keys over threads.
    const pieces = [70, 150, 1, 60, 40, ...Array(9).fill(1)];
    const { out } = await attendInPieces(inputs, position, pieces, "f32");
    const error = largestError(out, expected);
    assert.ok(error < 1e-4, `${error}`);
  });

test("q8 pages: one method of each kind stays within 0.05 of the definition", async () => {
  const inputs = randomHeads(290);
  for (const [title, position, distance] of kinds) {
    const { out } = await attendInPieces(inputs, position, [192, 90, 8], "q8");
    const error = largestError(out, attentionByDistance(inputs, shape, distance));
    assert.ok(error < 0.05, `${title}: ${error}`);
  }
});

test("within the near zone, and within a chunk, one method of each kind is the model as trained, bit for bit", async () => {
  const inputs = randomHeads(60);
  const { out } = await attendInPieces(inputs, { method: "rope" }, [60], "q8");
  for (const [title, position] of kinds)
    assert.deepEqual((await attendInPieces(inputs, position, [25, 35], "q8")).out, out, title);
});

test("sink-window holds its sinks and window in constant memory", async () => {
  const position = { method: "sink-window", sinks: 4, window: 100 };
  const short = await attendInPieces(randomHeads(500), position, [192, 192, 116], "q8");
  const long = await attendInPieces(randomHeads(1140), position, [192, 192, 192, 192, 192, 180], "q8");
  assert.equal(long.memory.pages, short.memory.pages);
  assert.ok(long.memory.pages <= 1 + 3 + 1, `${long.memory.pages} pages`);
});
