/** What all allocations promise, and how they share. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { adaptive } from "./adaptive.ts";
import type { CacheAllocation, HeadScores } from "./allocation.ts";
import { evenShares } from "./even-shares.ts";
import { roundHalfEven } from "./half-even.ts";
import { headClass } from "./head-class.ts";
import { highest } from "./highest.ts";
import { pyramid } from "./pyramid.ts";
import { cacheAllocations } from "./registry.ts";

const allocations = cacheAllocations.members;

function keep(allocation: CacheAllocation, heads: readonly HeadScores[], budget: number, options = {}): number[][] {
  const numLayers = 1 + Math.max(...heads.map(({ layer }) => layer));
  const length = 1 + Math.max(...heads.map(({ positions }) => positions.at(-1) ?? -1));
  const chosen = allocation.options.parse({ method: allocation.id, ...options });
  return allocation.keep(heads, { budget, numLayers, length }, chosen).map((kept) => [...kept]);
}

function head(scores: readonly number[], rest: Partial<HeadScores> = {}): HeadScores {
  const positions = Int32Array.from(scores, (_, slot) => slot);
  return { layer: 0, kvHead: 0, retrieval: 0.5, scores: Float32Array.from(scores), positions, ...rest };
}

/** Heads of a layer with different numbers of slots, many ties, and the same number of forced slots. */
const layerOfHeads = fc
  .record({ forced: fc.integer({ min: 0, max: 4 }), heads: fc.integer({ min: 1, max: 5 }) })
  .chain(({ forced, heads }) =>
    fc.record({
      forced: fc.constant(forced),
      budget: fc.integer({ min: Math.max(1, forced), max: 24 }),
      heads: fc.array(
        fc.record({
          scores: fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 0, maxLength: 16 }),
          retrieval: fc.integer({ min: 0, max: 3 }),
        }),
        { minLength: heads, maxLength: heads },
      ),
    }),
  )
  .map(({ forced, budget, heads }) => ({
    budget,
    heads: heads.map(({ scores, retrieval }) =>
      head([...Array(forced).fill(Number.POSITIVE_INFINITY), ...scores], { retrieval }),
    ),
  }));

test("every allocation: slots ascend, each once, forced ones stay, and the total is the budget's where slots suffice", () => {
  for (const allocation of allocations)
    fc.assert(
      fc.property(layerOfHeads, ({ heads, budget }) => {
        const kept = keep(allocation, heads, budget);
        assert.equal(kept.length, heads.length);
        kept.forEach((slots, index) => {
          const { scores } = heads[index];
          assert.ok(slots.every((slot, at) => slot < scores.length && (at === 0 || slot > slots[at - 1])));
          scores.forEach((score, slot) => {
            if (score === Number.POSITIVE_INFINITY) assert.ok(slots.includes(slot), `${allocation.id}: slot ${slot}`);
          });
        });
        const total = kept.reduce((sum, slots) => sum + slots.length, 0);
        const alone = heads.reduce((sum, { scores }) => sum + Math.min(scores.length, budget), 0);
        const together = Math.min(
          heads.reduce((sum, { scores }) => sum + scores.length, 0),
          budget * heads.length,
        );
        const expected = ["uniform", "pyramid"].includes(allocation.id) ? alone : together;
        assert.equal(total, expected, allocation.id);
      }),
      { numRuns: 150 },
    );
});

test("every allocation keeps everything where the budget is the length", () => {
  for (const allocation of allocations) {
    const heads = [0, 1, 2, 3].map((layer) => head([3, 1, 2, 0, 5], { layer, retrieval: layer / 4 }));
    assert.deepEqual(keep(allocation, heads, 5), Array(4).fill([0, 1, 2, 3, 4]), allocation.id);
  }
});

test("highest: of equal scores the earlier stay; none, more than all, and forced ones beyond the count", () => {
  const scores = Float32Array.from([1, 2, 1, 3, 1, -0, 0]);
  assert.deepEqual([...highest(scores, 3)], [0, 1, 3]);
  assert.deepEqual([...highest(scores, 4)], [0, 1, 2, 3]);
  assert.deepEqual([...highest(scores, 6)], [0, 1, 2, 3, 4, 5]);
  assert.deepEqual([...highest(scores, 0)], []);
  assert.deepEqual([...highest(scores, 9)], [0, 1, 2, 3, 4, 5, 6]);
  assert.deepEqual([...highest(new Float32Array(4).fill(Number.POSITIVE_INFINITY), 2)], [0, 1]);
});

test("heads that compete: equal scores spread by position over heads, and layers over the model", () => {
  for (const allocation of allocations.filter(({ id }) => ["adaptive", "global"].includes(id))) {
    const heads = [0, 1, 2].map((kvHead) => head([7, 7, 7, 7], { kvHead }));
    assert.deepEqual(
      keep(allocation, heads, 2),
      [
        [0, 1],
        [0, 1],
        [0, 1],
      ],
      allocation.id,
    );
    const uneven = [head([0, 9, 9, 9]), head([1, 2, 3, 4], { kvHead: 1 })];
    assert.deepEqual(keep(allocation, uneven, 2, allocation.id === "adaptive" ? { safeguard: 0 } : {}), [
      [1, 2, 3],
      [3],
    ]);
  }
});

test("pyramid: layers keep the budget on average within a half each, on a line; all the same where forced slots do not fit", () => {
  const sizes = (forced: number) => {
    const scores = [...Array(forced).fill(Number.POSITIVE_INFINITY), ...Array(1000 - forced).fill(0)];
    const heads = Array.from({ length: 8 }, (_, layer) => head(scores, { layer }));
    return keep(pyramid as unknown as CacheAllocation, heads, 400, { window: 10 }).map(({ length }) => length);
  };
  assert.deepEqual(sizes(20), [780, 671, 563, 454, 346, 237, 129, 20]);
  assert.deepEqual(sizes(21), Array(8).fill(400));
});

test("adaptive: a head whose scores are all lower keeps its safeguard, forced slots before it", () => {
  const heads = [head([9, 9, 9, 9, 9, 9]), head([1, 2, Number.POSITIVE_INFINITY, 3, 0, 0], { kvHead: 1 })];
  const kept = (safeguard: number) => keep(adaptive as unknown as CacheAllocation, heads, 3, { safeguard });
  assert.deepEqual(kept(0), [[0, 1, 2, 3, 4], [2]]);
  assert.deepEqual(kept(0.7), [
    [0, 1, 2, 3],
    [2, 3],
  ]);
  assert.deepEqual(kept(1), [
    [0, 1, 2],
    [1, 2, 3],
  ]);
});

test("head-class: the lowest heads of the model keep what is forced, the others share the rest, at most all they have", () => {
  const row = [Number.POSITIVE_INFINITY, 1, 2, 3, 4, 5, 6, 7, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const heads = [0.9, 0.1, 0.2, 0.7].map((retrieval, index) =>
    head(row, { layer: index >> 1, kvHead: index & 1, retrieval }),
  );
  const sizes = (budget: number, streaming = 0.5) =>
    keep(headClass as unknown as CacheAllocation, heads, budget, { streaming }).map(({ length }) => length);
  assert.deepEqual(sizes(5), [7, 3, 3, 7]);
  assert.deepEqual(sizes(8), [10, 6, 6, 10], "what is left goes back");
  assert.deepEqual(sizes(5, 0.25), [6, 3, 6, 5]);
  assert.deepEqual(sizes(5, 0), [5, 5, 5, 5]);
  assert.deepEqual(sizes(5, 1), [5, 5, 5, 5]);
  const kept = keep(headClass as unknown as CacheAllocation, heads, 5);
  assert.deepEqual(kept.slice(0, 2), [
    [0, 4, 5, 6, 7, 8, 9],
    [0, 8, 9],
  ]);
  assert.throws(() => keep(headClass as unknown as CacheAllocation, [head(row, { retrieval: undefined })], 5), {
    message: "head-class: layer 0, KV head 0 has no calibration",
  });
});

test("even shares are within their bounds, have the sum, and differ by more than one only at a bound", () => {
  const bounds = fc.array(
    fc.tuple(fc.nat(20), fc.nat(20)).map(([a, b]) => ({ least: Math.min(a, b), most: Math.max(a, b) })),
    { minLength: 1, maxLength: 8 },
  );
  fc.assert(
    fc.property(bounds, fc.nat(170), (bounds, total) => {
      const shares = evenShares(bounds, total);
      const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
      const least = sum(bounds.map(({ least }) => least));
      const most = sum(bounds.map(({ most }) => most));
      assert.equal(sum([...shares]), Math.min(most, Math.max(least, total)));
      shares.forEach((share, i) => {
        assert.ok(share >= bounds[i].least && share <= bounds[i].most);
        shares.forEach((other, j) => {
          assert.ok(share - other <= 1 || share === bounds[i].least || other === bounds[j].most);
        });
      });
    }),
  );
});

test("halves round to the even number", () => {
  assert.deepEqual([0.5, 1.5, 2.5, 2.4, 2.6, 7].map(roundHalfEven), [0, 2, 2, 2, 3, 7]);
});
