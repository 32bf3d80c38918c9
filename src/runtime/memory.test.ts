import assert from "node:assert/strict";
import { test } from "node:test";
import { builds, withTeam } from "../../test/support/kernels.ts";
import { CapacityError } from "./errors.ts";
import { SharedHeap } from "./memory.ts";

test("allocate: addresses are multiples of 64, do not overlap, and hold zeros", () => {
  const heap = new SharedHeap(100);
  let end = 100;
  for (const bytes of [1, 64, 65, 0, 1000]) {
    const address = heap.allocate(bytes);
    assert.equal(address % 64, 0);
    assert.ok(address >= end, `${address} after ${end}`);
    end = address + bytes;
    assert.ok(heap.usedBytes >= end && heap.usedBytes < end + 64);
    const bytesThere = heap.u8.subarray(address, end);
    assert.ok(bytesThere.every((value) => value === 0));
    bytesThere.fill(255);
  }
});

test("growth keeps what is there, and every view sees the new end", () => {
  const heap = new SharedHeap(0);
  const before = heap.allocate(1 << 16);
  heap.u8.fill(7, before, before + (1 << 16));
  const after = heap.allocate(40 << 20);
  assert.ok(heap.u8.subarray(before, before + (1 << 16)).every((value) => value === 7));
  const last = after + (40 << 20) - 4;
  heap.u32[last / 4] = 0xc0490fdb;
  assert.equal(heap.i32[last / 4], 0xc0490fdb | 0);
  assert.equal(heap.f32[last / 4], Math.fround(-Math.PI));
  assert.equal(heap.u8[last + 3], 0xc0);
  assert.deepEqual([...heap.floats(last, 1), ...heap.ints(last, 1)], [Math.fround(-Math.PI), 0xc0490fdb | 0]);
  assert.deepEqual([...heap.addresses(last, 1)], [0xc0490fdb]);
});

test("beyond 4 GB: a CapacityError with what was wanted and what is held, and the heap goes on working", () => {
  const heap = new SharedHeap(5 << 20);
  assert.throws(() => heap.allocate(2 ** 32), {
    name: "CapacityError",
    message: /^memory: 4096 MB more were needed, 5 MB are in use and the limit is 4096 MB\. Use a smaller model/,
  });
  assert.throws(() => heap.allocate(2 ** 32 - (5 << 20)), CapacityError); // the last 64 KB stay unused
  assert.equal(heap.usedBytes, 5 << 20);
  const address = heap.allocate(64);
  heap.u8[address] = 1;
  assert.equal(heap.u8[address], 1);
});

for (const build of builds)
  test(`${build}: kernels and views reach addresses above 2 GB, with two threads`, async () => {
    await withTeam(build, 2, ({ heap, team }) => {
      const low = heap.allocate(2 ** 31); // never touched, so never backed by memory
      assert.ok(low + 2 ** 31 > 2 ** 31);
      const bias = heap.allocate(16);
      heap.floats(bias, 4).set([1, 2, 3, 4]);
      const rows = heap.allocate(16 * 1000);
      team.run("fillRows", 1000, 10, 4, bias, rows);
      for (let row = 0; row < 1000; row++) assert.deepEqual([...heap.floats(rows + 16 * row, 4)], [1, 2, 3, 4]);
    });
  });
