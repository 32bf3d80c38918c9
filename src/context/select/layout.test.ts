import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { selectedPositions, selectedTokens, selectionLayout } from "./layout.ts";

const options = fc.record({
  tokens: fc.integer({ min: 1, max: 3000 }),
  keep: fc.oneof(fc.double({ min: 0.001, max: 1, noNaN: true }), fc.integer({ min: 2, max: 4000 })),
  last: fc.integer({ min: 1, max: 600 }),
});

test("what goes on is as much as is to be kept, but for whole pages: the first, and from that of the last tokens on all of it", () => {
  let [some, all] = [0, 0];
  fc.assert(
    fc.property(options, ({ tokens, keep, last }) => {
      const layout = selectionLayout(tokens, { keep, last, least: 1 });
      const wanted = keep <= 1 ? keep * tokens : keep;
      const forced = 64 + tokens - Math.floor((tokens - last) / 64) * 64;
      if (!layout) {
        all++;
        assert.ok(forced >= tokens || wanted > tokens - 64, "all go on");
        return;
      }
      some++;
      const held = selectedTokens(layout);
      assert.ok(held < tokens && held >= forced && held >= Math.min(wanted, tokens), `${held}`);
      assert.ok(held - wanted < 64 || held === forced, `${held}, not ${wanted}`);
      assert.ok(layout.tail <= tokens - last && layout.tail > tokens - last - 64);
      assert.deepEqual([held % 64, layout.head % 64, layout.tail % 64], [tokens % 64, 0, 0]);
    }),
    { numRuns: 500, seed: 1 },
  );
  assert.ok(some > 100 && all > 100, `${some}, ${all}`);
});

test("prompts of fewer tokens than `least` go on as a whole", () => {
  const about = { keep: 0.25, last: 64, least: 1024 };
  assert.equal(selectionLayout(1023, about), undefined);
  assert.deepEqual(selectionLayout(1024, about), { tokens: 1024, head: 64, tail: 960, chosen: 128 });
});

test("positions ascend, hold all that goes on in any case, and of the others those with the highest scores, the earlier of equal ones", () => {
  const layout = { tokens: 330, head: 64, tail: 256, chosen: 64 };
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 330, maxLength: 330 }), (scores) => {
      const positions = [...selectedPositions(layout, Float32Array.from(scores))];
      const others = scores.map((_, j) => j).filter((j) => j >= 64 && j < 256);
      const best = others.sort((a, b) => scores[b] - scores[a] || a - b).slice(0, 64);
      const always = scores.map((_, j) => j).filter((j) => j < 64 || j >= 256);
      assert.deepEqual(
        positions,
        [...always, ...best].sort((a, b) => a - b),
      );
    }),
    { numRuns: 50, seed: 1 },
  );
});
