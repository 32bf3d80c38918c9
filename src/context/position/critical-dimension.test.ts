import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { criticalDimension, predictedContext } from "./critical-dimension.ts";
import { trainedFrequencies } from "./method.ts";
import { asTrained } from "./rope.ts";

const published: [model: string, base: number, rotary: number, length: number, critical: number][] = [
  ["Llama-2", 1e4, 128, 4096, 92],
  ["Llama-3", 5e5, 128, 8192, 70],
  ["Qwen2.5", 1e6, 128, 32_768, 80],
  ["Qwen2.5-0.5B", 1e6, 64, 32_768, 40],
];
for (const [model, base, rotary, length, critical] of published)
  test(`${model}: ${critical} of ${rotary} dimensions turned within ${length} tokens`, () => {
    assert.equal(criticalDimension(trainedFrequencies({ base, rotary }), length), critical);
  });

test("Llama-2 tuned with a larger base extrapolates as far as the paper's formula says, to the token", () => {
  const context = (base: number) => predictedContext(trainedFrequencies({ base, rotary: 128 }), 92);
  assert.deepEqual([context(5e5), context(1e6)], [78_400, 129_027]);
});

test("counting turns is the closed form 2 ⌈d/2 · log_base(L / 2π)⌉, and the prediction is never below the trained length", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1000, max: 10_000_000 }),
      fc.constantFrom(32, 64, 128, 256),
      fc.integer({ min: 64, max: 1_000_000 }),
      (base, rotary, length) => {
        const inverse = trainedFrequencies({ base, rotary });
        const closed = 2 * Math.ceil((rotary / 2) * (Math.log(length / (2 * Math.PI)) / Math.log(base)));
        const critical = criticalDimension(inverse, length);
        assert.equal(critical, Math.min(rotary, closed));
        assert.ok((predictedContext(inverse, critical) ?? Number.POSITIVE_INFINITY) >= length);
      },
    ),
  );
});

test("where every dimension has turned there is no bound", () => {
  const inverse = trainedFrequencies({ base: 100, rotary: 64 });
  assert.equal(criticalDimension(inverse, 4096), 64);
  assert.equal(predictedContext(inverse, 64), undefined);
});

test("a linear scaling of the file by 4 over four times the length leaves the critical dimension, and the context is four times", () => {
  const trained = { base: 1e4, rotary: 128, contextLength: 4096 };
  const scaled = { ...trained, contextLength: 16_384, scaling: { type: "linear", factor: 4 } as const };
  const plain = asTrained(trained).inverse;
  const { inverse } = asTrained(scaled);
  assert.equal(criticalDimension(inverse, 16_384), 92);
  assert.ok(Math.abs(predictedContext(inverse, 92)! - 4 * predictedContext(plain, 92)!) < 4);
});
