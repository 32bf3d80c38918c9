import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SharedHeap } from "../runtime/memory.ts";
import { PagePool } from "./page-pool.ts";

test("what was given back is given out again, for the same size only", () => {
  const heap = new SharedHeap(0);
  const pool = new PagePool(heap);
  const page = pool.take(512);
  pool.give(page, 512);
  assert.notEqual(pool.take(1024), page);
  assert.equal(pool.take(512), page);
});

test("what was reserved is given out without new memory, and counts as used only then", () => {
  const heap = new SharedHeap(0);
  const pool = new PagePool(heap);
  pool.give(pool.take(128), 128);
  pool.reserve(128, 3);
  assert.deepEqual([heap.usedBytes, pool.usedBytes], [384, 0]);
  assert.equal(new Set([pool.take(128), pool.take(128), pool.take(128)]).size, 3);
  assert.deepEqual([heap.usedBytes, pool.usedBytes], [384, 384]);
});

test("blocks in use never overlap, usedBytes is their sum, and the heap grows only when no free block fits: 200 random cases", () => {
  const sizes = [64, 256, 4096];
  const step = fc.record({ size: fc.constantFrom(...sizes), give: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const heap = new SharedHeap(0);
      const pool = new PagePool(heap);
      const used: { address: number; size: number }[] = [];
      const most = new Map<number, number>();
      for (const { size, give } of steps) {
        const index = used.findIndex((block) => block.size === size);
        if (give && index >= 0) pool.give(used.splice(index, 1)[0].address, size);
        else used.push({ address: pool.take(size), size });
        const count = used.filter((block) => block.size === size).length;
        most.set(size, Math.max(most.get(size) ?? 0, count));
        assert.equal(
          pool.usedBytes,
          used.reduce((sum, block) => sum + block.size, 0),
        );
      }
      const sorted = [...used].sort((a, b) => a.address - b.address);
      assert.ok(sorted.every(({ address }, i) => i === 0 || sorted[i - 1].address + sorted[i - 1].size <= address));
      assert.equal(
        heap.usedBytes,
        [...most].reduce((sum, [size, count]) => sum + size * count, 0),
      );
    }),
    { numRuns: 200, seed: 1 },
  );
});
