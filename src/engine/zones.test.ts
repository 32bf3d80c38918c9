/** Re-indexed positions in the engine: stores, zones and pages against the definition by distance. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { attendInPieces, largestError, randomHeads } from "../../test/support/attended.ts";
import { attentionByDistance, type Distance, distances } from "../../test/support/position-reference.ts";

const shape = { heads: 2, kvHeads: 1, headDim: 64, base: 10_000 };

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

for (const [title, position, distance] of methods)
  test(`${title}: 330 tokens in pieces that fit no page equal the definition within 1e-4, with f32 pages`, async () => {
    const inputs = randomHeads(shape, 330);
    const expected = attentionByDistance(inputs, shape, distance);
    // Steps of one token at the end split their keys over threads.
    const pieces = [70, 150, 1, 60, 40, ...Array(9).fill(1)];
    const { out } = await attendInPieces(shape, inputs, { position, pieces, format: "f32" });
    const error = largestError(out, expected);
    assert.ok(error < 1e-4, `${error}`);
  });

test("q8 pages: one method of each kind stays within 0.05 of the definition", async () => {
  const inputs = randomHeads(shape, 290);
  for (const [title, position, distance] of kinds) {
    const { out } = await attendInPieces(shape, inputs, { position, pieces: [192, 90, 8], format: "q8" });
    const error = largestError(out, attentionByDistance(inputs, shape, distance));
    assert.ok(error < 0.05, `${title}: ${error}`);
  }
});

test("within the near zone, and within a chunk, one method of each kind is the model as trained, bit for bit", async () => {
  const inputs = randomHeads(shape, 60);
  const { out } = await attendInPieces(shape, inputs, { position: { method: "rope" }, pieces: [60], format: "q8" });
  for (const [title, position] of kinds)
    assert.deepEqual(
      (await attendInPieces(shape, inputs, { position, pieces: [25, 35], format: "q8" })).out,
      out,
      title,
    );
});

test("sink-window holds its sinks and window in constant memory", async () => {
  const position = { method: "sink-window", sinks: 4, window: 100 };
  const format = "q8";
  const short = await attendInPieces(shape, randomHeads(shape, 500), { position, pieces: [192, 192, 116], format });
  const long = await attendInPieces(shape, randomHeads(shape, 1140), { position, pieces: Array(6).fill(192), format });
  assert.equal(long.memory.pages, short.memory.pages);
  assert.ok(long.memory.pages <= 1 + 3 + 1, `${long.memory.pages} pages`);
});
