import assert from "node:assert/strict";
import { test } from "node:test";
import { builds, type KernelSpace, type PageFormat, Pages, withTeam } from "../../test/support/kernels.ts";
import { randomFloats } from "../../test/support/random.ts";
import { type AttentionShape, attentionScratchBytes, itemBytes, PAGE_SLOTS } from "./attention.ts";
import { blockMassesReference, rowMassesReference } from "./block-masses.reference.ts";
import { blockMasses, blockMassesBytes } from "./block-masses.ts";

const PAGES = 7;
const formats: readonly PageFormat[] = ["q8", "f32", "mixed"];

/** Keys drift from run to run, and so do queries: without it sums of 16 products differ too little to tell. */
function drifting(rows: number, width: number, seed: number): Float32Array {
  const noise = randomFloats(rows * width, seed);
  const drift = randomFloats(Math.ceil(rows / 8) * width, seed + 1, 1.5);
  return noise.map(
    (value, i) => value + drift[Math.floor(i / width / 8) * width + (i % width)] * (i % 5 === 0 ? 6 : 1),
  );
}

const shapes = [
  [64, 7, undefined],
  [64, 1, undefined],
  [128, 2, undefined],
  [256, 4, undefined],
  [64, 7, 16],
  [64, 7, 8],
  [128, 2, 16],
  [16, 1, 8],
  [256, 4, 16],
] as const;

for (const [headDim, group, stride] of shapes) {
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
  const blocks = [0, 1].flatMap((kvHead) =>
    [PAGES - 1, PAGES].map((seen, block) => {
      const rows = PAGE_SLOTS * shape.numHeads * headDim;
      const read = { k: inputs.k, q: inputs.q.subarray(block * rows, (block + 1) * rows) };
      const expected = stride
        ? blockMassesReference(read, shape, kvHead, { pages: seen, stride })
        : rowMassesReference(read, shape, kvHead, seen);
      return { kvHead, seen, firstToken: block * PAGE_SLOTS, expected };
    }),
  );
  for (const build of builds)
    test(`shares of pages: heads of ${headDim}, groups of ${group}, ${stride ? `stride ${stride}` : "four tokens"}, ${build}: with q8 pages, f32 pages and both within 0.04 of f64 in all, sum 1`, async () => {
      const check = (space: KernelSpace, format: PageFormat) => {
        const pages = new Pages(space, shape, inputs);
        const items = blocks.map(({ kvHead, seen, firstToken }) => ({
          ...pages.item(
            kvHead,
            Array.from({ length: seen }, (_, n) => pages.entry(kvHead, n, format)),
          ),
          firstToken,
          numTokens: PAGE_SLOTS,
          partial: space.allocate(seen * 4),
        }));
        const workBytes = blockMassesBytes(shape, { pages: PAGES, stride });
        blockMasses(space.team, space.heap, shape, items, {
          itemSpace: space.allocate(itemBytes(items.length)),
          q: space.put(inputs.q),
          stride,
          workBytes,
          work: space.allocate(workBytes * items.length),
        });
        blocks.forEach(({ kvHead, seen, firstToken, expected }, i) => {
          const masses = space.floats(items[i].partial, seen);
          const off = masses.reduce((sum, mass, page) => sum + Math.abs(mass - expected[page]), 0);
          assert.ok(off < 0.04, `${format}, KV head ${kvHead}, tokens from ${firstToken}: off by ${off} in all`);
          assert.ok(Math.abs(masses.reduce((sum, mass) => sum + mass, 0) - 1) < 1e-5);
          assert.ok(Math.max(...expected) - Math.min(...expected) > 0.02, "the pages differ");
        });
      };
      const use = (space: KernelSpace) => {
        for (const format of formats) check(space, format);
      };
      await withTeam(build, 2, use, attentionScratchBytes(shape, PAGE_SLOTS));
    });
}
