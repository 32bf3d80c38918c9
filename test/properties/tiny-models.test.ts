/** The whole stack on tiny random models of every architecture and tensor type, against an independent f32 engine. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { tensorTypes } from "../../src/formats/tensor-types.ts";
import { readTinyGolden, tinyGoldenNames } from "../support/golden.ts";
import { compareRows, rowsOf } from "../support/kl.ts";
import { loadTiny, logitsOf } from "../support/sessions.ts";

interface Bounds {
  types: string[];
  /** Of the mean KL in nats, with f32 and with q8 pages. */
  f32: number;
  q8: number;
}

/** Tensor types by what their matrices are multiplied with. Random models feel a q8 cache more than trained ones do. */
const bounds: Record<string, Bounds> = {
  "f32 activations": { types: ["F32", "F16", "BF16"], f32: 1e-9, q8: 7e-3 },
  "14-bit activations": { types: ["Q8_0", "Q6_K", "Q3_K"], f32: 3e-6, q8: 8e-3 },
  // Scales and mins of Q2_K are rounded to 12 bits of the block's range.
  "14-bit activations, 12-bit scales": { types: ["Q2_K"], f32: 1e-4, q8: 1.6e-2 },
  "8-bit activations": {
    types: ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K"],
    f32: 6e-3,
    q8: 1.6e-2,
  },
};

for (const name of tinyGoldenNames()) {
  const { options, tokenIds, vocabularySize, firstRow, logits } = readTinyGolden(name);
  const [kind, bound] = Object.entries(bounds).find(([, { types }]) => types.includes(options.tensorType ?? "F32"))!;

  test(`${name} (${kind}): mean KL below ${bound.f32} with f32 pages, ${bound.q8} with q8 pages; same argmax in 93 % of rows or all but one`, async () => {
    const golden = rowsOf(logits, vocabularySize);
    const engine = await loadTiny(name);
    try {
      for (const format of ["f32", "q8"] as const) {
        const ours = await logitsOf(engine, tokenIds, { format });
        assert.equal(ours.length, tokenIds.length);
        const { meanKl, top1 } = compareRows(golden, ours.slice(firstRow));
        assert.ok(meanKl < bound[format], `${format} pages: mean KL ${meanKl}`);
        const misses = Math.round((1 - top1) * golden.length);
        assert.ok(misses <= Math.max(1, 0.07 * golden.length), `${format} pages: ${misses} of ${golden.length} differ`);
      }
    } finally {
      await engine.dispose();
    }
  });
}

test("every tensor type that files may have is among the tiny models", () => {
  const covered = Object.values(bounds).flatMap(({ types }) => types);
  assert.deepEqual(covered.sort(), tensorTypes.map(({ name }) => name).sort());
  for (const type of covered) assert.ok(tinyGoldenNames().includes(`type-${type.toLowerCase()}`), type);
});
