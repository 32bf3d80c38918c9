/** Pages chosen by what is read (infllm): against the definition, and however the text is read. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { attendInPieces, largestError, MOST_TOKENS, type Piece, randomHeads } from "../../test/support/attended.ts";
import { attentionByDistance, distancesOfBlocks, infllmBlocks } from "../../test/support/position-reference.ts";

const shape = { heads: 4, kvHeads: 2, headDim: 64, base: 10_000 };
const options = { local: 128, initial: 64, blocks: 2, representatives: 3 };
const infllm = { method: "infllm", ...options };
/** Of seven pages, the last has four others to choose from. */
const LENGTH = 500;
const WHOLE = [MOST_TOKENS, MOST_TOKENS, LENGTH - 2 * MOST_TOKENS];
const inputs = randomHeads(shape, LENGTH);

async function attended(position: object, pieces: readonly Piece[], format: "f32" | "q8"): Promise<Float32Array> {
  return (await attendInPieces(shape, inputs, { position, pieces, format })).out;
}

test("500 tokens in pieces that fit no page, and steps of one, equal the definition: within 1e-4 with f32 pages, 0.05 with q8", async () => {
  const expected = attentionByDistance(
    inputs,
    shape,
    distancesOfBlocks(options.local, infllmBlocks(inputs, shape, options)),
  );
  // Steps of one token at the end split their keys over threads.
  const pieces = [70, 150, 1, 60, 40, 150, ...Array(29).fill(1)];
  for (const [format, bound] of [
    ["f32", 1e-4],
    ["q8", 0.05],
  ] as const) {
    const error = largestError(await attended(infllm, pieces, format), expected);
    assert.ok(error < bound, `${format}: ${error}`);
  }
});

test("any pieces of more than 8 tokens, with another text read and taken back, and gone on with in forks, give the same, bit for bit", async () => {
  // What is left at the end may be less than that, and is not compared.
  const compared = (out: Float32Array) => out.subarray(0, (LENGTH - 8) * shape.heads * shape.headDim);
  const expected = { f32: await attended(infllm, WHOLE, "f32"), q8: await attended(infllm, WHOLE, "q8") };
  const reading = fc.record({
    size: fc.integer({ min: 9, max: 90 }),
    // Pages are chosen from position 384 on; what is taken back ends on the page where it began, or goes back to the beginning.
    length: fc.integer({ min: 385, max: 447 }),
    detour: fc.integer({ min: 1, max: 80 }),
    fork: fc.constantFrom<Piece[]>([], ["fork"]),
    rest: fc.integer({ min: 9, max: MOST_TOKENS }),
    format: fc.constantFrom("f32" as const, "q8" as const),
  });
  await fc.assert(
    fc.asyncProperty(reading, async ({ size, length, detour, fork, rest, format }) => {
      const whole = Math.floor(length / size) - 1;
      const before = [...Array(whole).fill(size), length - whole * size];
      const pieces = [...before, ...fork, -detour, ...fork, ...Array(Math.ceil(LENGTH / rest)).fill(rest)];
      assert.deepEqual(compared(await attended(infllm, pieces, format)), compared(expected[format]));
    }),
    { numRuns: 5, seed: 1 },
  );
});

test("as long as the text fits the local window it is rope, and with all blocks chosen rerope, bit for bit", async () => {
  const pieces = [90, 192, 192, 26];
  const rope = await attended({ method: "rope" }, pieces, "q8");
  const chosen = await attended(infllm, pieces, "q8");
  const row = shape.heads * shape.headDim;
  assert.deepEqual(chosen.subarray(0, 128 * row), rope.subarray(0, 128 * row));
  assert.notDeepEqual(chosen.subarray(128 * row), rope.subarray(128 * row));
  const rerope = await attended({ method: "rerope", window: 128 }, pieces, "q8");
  assert.deepEqual(await attended({ ...infllm, blocks: 4 }, pieces, "q8"), rerope);
  assert.notDeepEqual(chosen, rerope);
});
