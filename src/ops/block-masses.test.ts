import assert from "node:assert/strict";
import { test } from "node:test";
import { builds, type KernelSpace, Pages, withTeam } from "../../test/support/kernels.ts";
import { randomFloats } from "../../test/support/random.ts";
import { type AttentionShape, attentionScratchBytes, itemBytes, PAGE_SLOTS } from "./attention.ts";
import { blockMassesReference, rowMassesReference } from "./block-masses.reference.ts";
import { blockMasses, blockMassesBytes } from "./block-masses.ts";

const PAGES = 7;

/** Keys drift from run to run, and so do queries: without it sums of 16 products differ too little to tell. */
function drifting(rows: number, width: number, seed: number): Float32Array {
  const noise = randomFloats(rows * width, seed);
  const drift = randomFloats(Math.ceil(rows / 8) * width, seed + 1, 1.5);
  return noise.map(
    (value, i) => value + drift[Math.floor(i / width / 8) * width + (i % width)] * (i % 5 === 0 ? 6 : 1),
  );
}

for (const build of builds)
  for (const [headDim, group, stride] of [
    [64, 7, undefined],
    [64, 1, undefined],
    [128, 2, undefined],
    [256, 4, undefined],
    [64, 7, 16],
    [64, 7, 8],
    [128, 2, 16],
    [16, 1, 8],
    [256, 4, 16],
  ] as const)
    for (const format of ["q8", "f32", "mixed"] as const)
      test(`shares of pages: heads of ${headDim}, groups of ${group}, ${stride ? `stride ${stride}` : "four tokens"}, ${format} pages, ${build}: within 0.04 of f64 in all, sum 1`, async () => {
        const shape: AttentionShape = {
          numHeads: 2 * group,
          numKvHeads: 2,
          headDim,
          scale: 1 / Math.sqrt(headDim) / 2,
          window: 0,
        };
        const keys = PAGES * PAGE_SLOTS;
        const inputs = {
          k: drifting(keys, 2 * headDim, 1),
          v: new Float32Array(keys * 2 * headDim),
          keyPositions: Int32Array.from({ length: keys }, (_, key) => key),
          q: drifting(2 * PAGE_SLOTS, shape.numHeads * headDim, 3),
          positions: Int32Array.from({ length: 2 * PAGE_SLOTS }, (_, t) => keys - 2 * PAGE_SLOTS + t),
        };
        const use = (space: KernelSpace) => {
          const pages = new Pages(space, shape, inputs);
          const items = [0, 1].flatMap((kvHead) =>
            [PAGES - 1, PAGES].map((seen, block) => ({
              ...pages.item(
                kvHead,
                Array.from({ length: seen }, (_, n) => pages.entry(kvHead, n, format)),
              ),
              firstToken: block * PAGE_SLOTS,
              numTokens: PAGE_SLOTS,
              partial: space.allocate(seen * 4),
            })),
          );
          const workBytes = blockMassesBytes(shape, { pages: PAGES, stride });
          blockMasses(space.team, space.heap, shape, items, {
            itemSpace: space.allocate(itemBytes(items.length)),
            q: space.put(inputs.q),
            stride,
            workBytes,
            work: space.allocate(workBytes * items.length),
          });
          for (const { kvHead, firstToken, numEntries, partial } of items) {
            const masses = space.floats(partial, numEntries);
            const rows = shape.numHeads * headDim;
            const q = inputs.q.subarray(firstToken * rows, (firstToken + PAGE_SLOTS) * rows);
            const expected = stride
              ? blockMassesReference({ k: inputs.k, q }, shape, kvHead, { pages: numEntries, stride })
              : rowMassesReference({ k: inputs.k, q }, shape, kvHead, numEntries);
            const off = masses.reduce((sum, mass, page) => sum + Math.abs(mass - expected[page]), 0);
            assert.ok(off < 0.04, `KV head ${kvHead}, tokens from ${firstToken}: off by ${off} in all`);
            assert.ok(Math.abs(masses.reduce((sum, mass) => sum + mass, 0) - 1) < 1e-5);
            assert.ok(Math.max(...expected) - Math.min(...expected) > 0.02, "the pages differ");
          }
        };
        await withTeam(build, 2, use, attentionScratchBytes(shape, PAGE_SLOTS));
      });
